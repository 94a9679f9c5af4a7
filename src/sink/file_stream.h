// A file as an Arrow output stream that knows the checksum of what went through it.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <xxhash.h>

#include <filesystem>
#include <memory>
#include <string>

namespace sheaf {

/// Writes a new file. Keeps its first error: every later call returns it again, so that a caller
/// that ignores one (a destructor that writes a footer, say) cannot hide it. Errors: kEngine,
/// naming the file and the system's reason.
class FileStream : public arrow::io::OutputStream {
 public:
  /// `name` is what errors call the file; it may differ from `path`. Errors also where `path` exists: another may be
  /// writing it.
  static arrow::Result<std::shared_ptr<FileStream>> Create(const std::filesystem::path& path,
                                                           const std::filesystem::path& name);
  ~FileStream() override;

  arrow::Status Write(const void* data, int64_t size) override;
  using arrow::io::OutputStream::Write;
  arrow::Result<int64_t> Tell() const override { return size_; }
  /// Hands the file to the disk and closes it; only then are all errors known.
  arrow::Status Close() override;
  [[nodiscard]] bool closed() const override { return descriptor_ < 0; }

  /// The first error, if there was one.
  [[nodiscard]] const arrow::Status& status() const { return status_; }
  /// XXH3-64 of all bytes written, 16 hexadecimal digits.
  [[nodiscard]] std::string Checksum() const;

 private:
  struct FreeHash {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  FileStream(int descriptor, std::filesystem::path name);
  arrow::Status FailWithErrno();

  int descriptor_;
  std::filesystem::path name_;
  int64_t size_ = 0;
  arrow::Status status_;
  std::unique_ptr<XXH3_state_t, FreeHash> hash_;
};

}  // namespace sheaf
