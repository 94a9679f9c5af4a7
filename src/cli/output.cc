#include "cli/output.h"

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "sheaf/error.h"

namespace sheaf {
namespace {

arrow::Status CannotWrite(std::string_view where, int error) {
  return MakeError(ErrorKind::kEngine, fmt::format("cannot write to {}: {}", where,
                                                   std::generic_category().message(error)));
}

class StandardOutput : public arrow::io::OutputStream {
 public:
  arrow::Status Write(const void* data, int64_t size) override {
    const char* rest = static_cast<const char*>(data);
    int64_t left = size;
    while (left > 0) {
      const ssize_t written = write(STDOUT_FILENO, rest, static_cast<size_t>(left));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EPIPE) {
        return MakeError(ErrorKind::kStopped, "the reader of standard output went away");
      }
      if (written < 0) return CannotWrite("standard output", errno);
      rest += written;
      left -= written;
    }
    size_ += size;
    return arrow::Status::OK();
  }
  using arrow::io::OutputStream::Write;
  [[nodiscard]] arrow::Result<int64_t> Tell() const override { return size_; }
  arrow::Status Close() override { return arrow::Status::OK(); }  // it is the process's
  [[nodiscard]] bool closed() const override { return false; }

 private:
  int64_t size_ = 0;
};

}  // namespace

arrow::Status Print(std::string_view text, std::FILE* file) {
  errno = 0;
  const size_t written = std::fwrite(text.data(), 1, text.size(), file);
  if (written == text.size() && std::fflush(file) == 0) return arrow::Status::OK();
  return CannotWrite(file == stderr ? "standard error" : "standard output", errno);
}

std::shared_ptr<arrow::io::OutputStream> OpenStandardOutput() {
  return std::make_shared<StandardOutput>();
}

}  // namespace sheaf
