#include "cli/output.h"

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "cli/interrupt.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

arrow::Status CannotWrite(int error) {
  return MakeError(ErrorKind::kEngine, fmt::format("cannot write to standard output: {}",
                                                   std::generic_category().message(error)));
}

// Returns 0, or what went wrong: EINTR where a signal asks the run to stop, for a reader may never come.
int WriteAll(int file, const void* data, int64_t size) {
  const Interrupt::Wait wait;
  const char* rest = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(file, rest, static_cast<size_t>(size));
    if (written < 0 && errno != EINTR) return errno;
    if (written < size && Interrupt::Seen()) return EINTR;
    if (written < 0) continue;
    rest += written;
    size -= written;
  }
  return 0;
}

class StandardOutput : public arrow::io::OutputStream {
 public:
  arrow::Status Write(const void* data, int64_t size) override {
    const int error = WriteAll(STDOUT_FILENO, data, size);
    if (error == EPIPE) {
      return MakeError(ErrorKind::kStopped, "the reader of standard output went away");
    }
    if (error != 0) return CannotWrite(error);
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

arrow::Status Print(std::string_view text) {
  const int error = WriteAll(STDOUT_FILENO, text.data(), std::ssize(text));
  return error == 0 ? arrow::Status::OK() : CannotWrite(error);
}

void Tell(std::string_view text) {
  static_cast<void>(WriteAll(STDERR_FILENO, text.data(), std::ssize(text)));
}

std::shared_ptr<arrow::io::OutputStream> OpenStandardOutput() {
  return std::make_shared<StandardOutput>();
}

}  // namespace sheaf
