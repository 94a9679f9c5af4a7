// What the tests of src/cogroup share: streams made by hand, and batches as text.
#pragma once

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "key/key_test_support.h"
#include "sheaf/batch_reader.h"

namespace sheaf::testing {

/// Delivers batches, then an error or, where it is OK, the end.
class TestStream : public arrow::RecordBatchReader {
 public:
  TestStream(std::shared_ptr<arrow::Schema> schema,
             std::vector<std::shared_ptr<arrow::RecordBatch>> batches,
             arrow::Status last = arrow::Status::OK())
      : schema_(std::move(schema)), batches_(std::move(batches)), last_(std::move(last)) {}

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = nullptr;
    if (next_ == batches_.size()) return last_;
    *batch = batches_[next_++];
    return arrow::Status::OK();
  }

 private:
  const std::shared_ptr<arrow::Schema> schema_;
  const std::vector<std::shared_ptr<arrow::RecordBatch>> batches_;
  const arrow::Status last_;
  size_t next_ = 0;
};

/// Delivers nothing until it is opened, and then ends: an engine that thinks.
class GatedStream : public arrow::RecordBatchReader {
 public:
  explicit GatedStream(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {}

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
    *batch = nullptr;
    return arrow::Status::OK();
  }
  void Open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  const std::shared_ptr<arrow::Schema> schema_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

/// A stream of one batch for each JSON text.
inline std::shared_ptr<arrow::RecordBatchReader> StreamOf(
    const std::shared_ptr<arrow::Schema>& schema, const std::vector<std::string>& batches,
    arrow::Status last = arrow::Status::OK()) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
  for (const std::string& json : batches) rows.push_back(RowsFromJson(schema, json));
  return std::make_shared<TestStream>(schema, std::move(rows), std::move(last));
}

/// Columns `id` (a number) and `v` (text): enough for most tests.
inline std::shared_ptr<arrow::Schema> IdSchema(const std::string& key = "id") {
  return arrow::schema({arrow::field(key, arrow::int64()), arrow::field("v", arrow::utf8())});
}

/// All batches of a run, or how it failed.
inline arrow::Result<std::vector<Batch>> ReadAll(BatchReader* reader) {
  std::vector<Batch> batches;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(std::optional<Batch> batch, reader->Next());
    if (!batch) return batches;
    batches.push_back(*std::move(batch));
  }
}

/// Rows as text: `1,a 2,b`.
inline std::string Text(const arrow::RecordBatch& rows) {
  std::string text;
  for (int64_t i = 0; i < rows.num_rows(); ++i) {
    if (i > 0) text += ' ';
    for (int c = 0; c < rows.num_columns(); ++c) {
      if (c > 0) text += ',';
      text += rows.column(c)->GetScalar(i).ValueOrDie()->ToString();
    }
  }
  return text;
}

/// A batch as text, a line a key: `1: A(1,a) R(1,x 1,y)`.
inline std::string Text(const Batch& batch) {
  std::string text;
  for (const Group& group : batch.groups()) {
    text += (text.empty() ? "" : "\n") + Text(*group.key()) + ":";
    for (const BatchTable& table : batch.tables()) {
      text += " " + table.name + "(" + Text(*group.rows(table.name)) + ")";
    }
  }
  return text;
}

inline std::vector<std::string> Texts(const std::vector<Batch>& batches) {
  std::vector<std::string> texts;
  for (const Batch& batch : batches) texts.push_back(Text(batch));
  return texts;
}

}  // namespace sheaf::testing
