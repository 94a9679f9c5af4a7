// Files that are there whole or not at all, also after a crash or a power cut.
#pragma once

#include <arrow/io/type_fwd.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sheaf {

struct StoredFile {
  int64_t bytes = 0;
  std::string xxh3_64;  ///< 16 hexadecimal digits.
};

using WriteFunction = std::function<arrow::Status(const std::shared_ptr<arrow::io::OutputStream>&)>;

/// Streams `write` into `.<name>.tmp` beside `path`, which readers of the folder skip, and renames
/// it once it is on the disk. After an error neither file is there. Errors: kEngine, naming `path`,
/// also where `write` fails.
arrow::Result<StoredFile> WriteDurably(const std::filesystem::path& path,
                                       const WriteFunction& write);

/// The same for a text that is in memory.
arrow::Result<StoredFile> WriteTextDurably(const std::filesystem::path& path,
                                           std::string_view text);

/// As WriteTextDurably, but a file that is there is an error and stays as it is, also where it came in the meantime.
arrow::Result<StoredFile> CreateTextDurably(const std::filesystem::path& path,
                                            std::string_view text);

/// Makes names that were added to a folder, or taken from it, survive a crash.
arrow::Status SyncDirectory(const std::filesystem::path& directory);

}  // namespace sheaf
