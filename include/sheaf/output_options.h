// Where a run's batches are stored, and in which form.
#pragma once

#include <filesystem>

namespace sheaf {

/// kParquet, kArrow: a file a table. kJsonl, kNested: one file of documents, a line or a row a key.
enum class Format { kParquet, kArrow, kJsonl, kNested };

/// The type of the column `local_id`: the group's number within its batch, from 0 on.
enum class LocalId { kNone, kUint16, kUint32 };

struct OutputOptions {
  /// Must be absent or empty. In a job file, and in the command line, "-" is standard output.
  std::filesystem::path dir;
  Format format = Format::kParquet;
  LocalId local_id = LocalId::kNone;  ///< First column of every table; kUint16 up to 65,536 keys.
};

}  // namespace sheaf
