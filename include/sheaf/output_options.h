// Where a run's batches are stored, and in which form.
#pragma once

#include <filesystem>

namespace sheaf {

/// kParquet, kArrow: a file a table. kJsonl, kNested: one file of documents, a line or a row a key.
enum class Format { kParquet, kArrow, kJsonl, kNested };

/// The type of the ids within a batch (docs/job.md): the column `local_id`, the number of a row's group, and
/// columns `NAME_local_id`, which hold the local_id of the rows of linked table NAME that hang on the row.
enum class LocalId { kNone, kUint16, kUint32 };

struct OutputOptions {
  /// Must be absent or empty. In a job file, and in the command line, "-" is standard output.
  std::filesystem::path dir;
  Format format = Format::kParquet;
  LocalId local_id = LocalId::kNone;  ///< First columns of every table; kUint16 up to 65,536 keys.
};

}  // namespace sheaf
