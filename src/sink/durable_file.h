// Files that are there whole or not at all, also after a crash or a power cut.
#pragma once

#include <arrow/io/type_fwd.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace sheaf {

class FileStream;

struct StoredFile {
  int64_t bytes = 0;
  std::string xxh3_64;  ///< 16 hexadecimal digits.
};

/// A file on its way. It stands in `.<name>.tmp` beside `path`, which readers of the folder skip, until it is stored.
/// Used by one thread at a time. Errors, of all methods: kEngine, naming `path`.
class DurableFile {
 public:
  /// Errors also where another writes this file.
  static arrow::Result<std::unique_ptr<DurableFile>> Create(std::filesystem::path path);
  ~DurableFile();  ///< Of a file that is not stored nothing is left.
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  /// For writers. What they say of it goes through Check().
  [[nodiscard]] std::shared_ptr<arrow::io::OutputStream> stream() const;

  /// The error of a writer of the stream, as one of this file: that of the stream itself, where it has one, since that
  /// is the cause of what the writer makes of it.
  [[nodiscard]] arrow::Status Check(const arrow::Status& written) const;

  /// Brings the file to the disk and gives it its name, in place of a file that has it, where that `may_replace`. After
  /// an error no file of ours is there. To be called once.
  arrow::Result<StoredFile> Store(bool may_replace = true);

 private:
  DurableFile(std::filesystem::path path, std::shared_ptr<FileStream> file);

  const std::filesystem::path path_;
  const std::shared_ptr<FileStream> file_;
  std::filesystem::path ours_;  // where the file stands as long as it is to be removed; else empty
};

/// Stores a text that is in memory.
arrow::Result<StoredFile> WriteTextDurably(const std::filesystem::path& path,
                                           std::string_view text);

/// As WriteTextDurably, but a file that is there is an error and stays as it is, also where it came in the meantime.
arrow::Result<StoredFile> CreateTextDurably(const std::filesystem::path& path,
                                            std::string_view text);

/// Makes names that were added to a folder, or taken from it, survive a crash.
arrow::Status SyncDirectory(const std::filesystem::path& directory);

}  // namespace sheaf
