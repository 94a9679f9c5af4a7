// Where batches go. A sink is handed every batch in order, then told how the run ended.
//
// Threads: one caller at a time.
#pragma once

#include <arrow/io/type_fwd.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <memory>

#include "sheaf/batch.h"
#include "sheaf/batch_reader.h"
#include "sheaf/engine.h"
#include "sheaf/output_options.h"

namespace sheaf {

class Sink {
 public:
  virtual ~Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  /// Stores a batch: when it returns OK, a crash no longer loses it, or a stream has taken it. A batch that comes in
  /// parts (see Batch::part()) is stored with its last one.
  /// Errors: kEngine, naming the file; nothing that looks complete is left of the batch. The first
  /// error is final: every later call returns it.
  [[nodiscard]] virtual arrow::Status Write(const Batch& batch) = 0;

  /// Marks the run as complete. Not called after an error: then nothing says that it is complete.
  [[nodiscard]] virtual arrow::Status Finish(const Metrics& metrics) = 0;

 protected:
  Sink() = default;
};

/// Makes the run directory (docs/run-directory.md says what is in it) and its manifest.
/// `job` is the one that `reader` was opened with, hence checked.
/// `engine` may be null, as in BatchReader::Open. `reader` is only asked for its schemas and plan.
/// Errors, all before a batch is read; what was made is taken away again:
///   kJob     the options go with no data, such as local_id = uint16 with more keys a batch.
///   kEngine  the directory is not empty, or can't be written; the format lacks a column's type; a
///            table has a column of its own that is called as a local id.
arrow::Result<std::unique_ptr<Sink>> OpenRunDirectory(const OutputOptions& options, const Job& job,
                                                      const Engine* engine,
                                                      const BatchReader& reader);

/// Writes documents to a stream, which it does not close: for Format::kJsonl a line a key, for
/// Format::kArrow an Arrow IPC stream of Batch::nested(). `options.dir` is "-".
/// Errors: as above, and those of the stream, unchanged.
arrow::Result<std::unique_ptr<Sink>> OpenDocumentStream(
    const OutputOptions& options, const Job& job, const BatchReader& reader,
    std::shared_ptr<arrow::io::OutputStream> stream);

}  // namespace sheaf
