#include <arrow/array.h>
#include <arrow/io/interfaces.h>
#include <arrow/type.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "key/empty_rows.h"
#include "parallel/parallel.h"
#include "sink/json_column.h"
#include "sink/table_writer.h"

namespace sheaf {
namespace {

/// Small, since the text of as many parts as there are cores is in memory; large enough that waiting
/// for one's turn costs nothing beside the making.
constexpr int64_t kRowsOfAPart = 256;

/// Lets parts that are made at the same time be written one after another, in their order.
class Turns {
 public:
  /// Writes once all parts before have been written. Errors: the first of any part.
  arrow::Status Write(size_t part, const std::function<arrow::Status()>& write) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return next_ == part || !status_.ok(); });
    if (status_.ok()) status_ = write();
    ++next_;
    changed_.notify_all();
    return status_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t next_ = 0;
  arrow::Status status_;
};

arrow::Result<std::unique_ptr<JsonColumn>> LinesOf(const arrow::RecordBatch& rows) {
  ARROW_ASSIGN_OR_RAISE(const auto structs, rows.ToStructArray());
  return MakeJsonColumn(structs);
}

class JsonlFile final : public TableFile {
 public:
  explicit JsonlFile(std::shared_ptr<arrow::io::OutputStream> stream)
      : stream_(std::move(stream)) {}

  [[nodiscard]] arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& rows,
                                    bool /*last*/) override {
    ARROW_ASSIGN_OR_RAISE(const auto lines, LinesOf(*rows));
    const int64_t parts = (rows->num_rows() + kRowsOfAPart - 1) / kRowsOfAPart;
    Turns turns;
    return RunInParallel(static_cast<size_t>(parts), [&](size_t part) {
      const int64_t begin = static_cast<int64_t>(part) * kRowsOfAPart;
      const int64_t end = std::min(begin + kRowsOfAPart, rows->num_rows());
      std::string text;
      for (int64_t row = begin; row < end; ++row) {
        lines->Append(row, &text);
        text.push_back('\n');
      }
      return turns.Write(part, [&] { return stream_->Write(text); });
    });
  }

 private:
  const std::shared_ptr<arrow::io::OutputStream> stream_;
};

/// A line a row.
class JsonlWriter : public TableWriter {
 public:
  [[nodiscard]] std::string_view extension() const override { return ".jsonl"; }

  [[nodiscard]] arrow::Status CheckSchema(const arrow::Schema& schema) const override {
    ARROW_ASSIGN_OR_RAISE(const auto empty,
                          EmptyRows(std::make_shared<arrow::Schema>(schema.fields())));
    return LinesOf(*empty).status();
  }

  [[nodiscard]] arrow::Result<std::unique_ptr<TableFile>> Begin(
      const std::shared_ptr<arrow::Schema>&,
      std::shared_ptr<arrow::io::OutputStream> stream) const override {
    return std::make_unique<JsonlFile>(std::move(stream));
  }
};

}  // namespace

std::unique_ptr<TableWriter> MakeJsonlWriter() { return std::make_unique<JsonlWriter>(); }

}  // namespace sheaf
