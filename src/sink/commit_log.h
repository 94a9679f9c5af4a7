// batches.jsonl: a batch is committed when its line is in the log, and not before.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace sheaf {

class CommitLog {
 public:
  /// Creates an empty log. Errors: kEngine, also where the file exists; else none is left.
  static arrow::Result<std::unique_ptr<CommitLog>> Create(const std::filesystem::path& path);
  ~CommitLog();
  CommitLog(const CommitLog&) = delete;
  CommitLog& operator=(const CommitLog&) = delete;

  /// Adds a line and waits for the disk. `line` holds no line break. After an error the log is as
  /// long as before: half a line would make the next reader stumble.
  arrow::Status Append(std::string line);

 private:
  CommitLog(int descriptor, std::filesystem::path path);
  arrow::Status WriteAll(const std::string& bytes);

  int descriptor_;
  std::filesystem::path path_;
  int64_t size_ = 0;
};

}  // namespace sheaf
