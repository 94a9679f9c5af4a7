#include "sink/file_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sink/file_error.h"

namespace sheaf {

arrow::Result<std::shared_ptr<FileStream>> FileStream::Create(const std::filesystem::path& path,
                                                              const std::filesystem::path& name) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return FileError("create", name, errno);
  return std::shared_ptr<FileStream>(new FileStream(descriptor, name));
}

FileStream::FileStream(int descriptor, std::filesystem::path name)
    : descriptor_(descriptor), name_(std::move(name)), hash_(XXH3_createState()) {
  XXH3_64bits_reset(hash_.get());
}

FileStream::~FileStream() {
  if (descriptor_ >= 0) close(descriptor_);
}

arrow::Status FileStream::FailWithErrno() { return status_ = FileError("write", name_, errno); }

arrow::Status FileStream::Write(const void* data, int64_t size) {
  if (!status_.ok()) return status_;
  const char* rest = static_cast<const char*>(data);
  int64_t left = size;
  while (left > 0) {
    const ssize_t written = write(descriptor_, rest, static_cast<size_t>(left));
    if (written < 0) {
      if (errno == EINTR) continue;
      return FailWithErrno();
    }
    rest += written;
    left -= written;
  }
  XXH3_64bits_update(hash_.get(), data, static_cast<size_t>(size));
  size_ += size;
  return arrow::Status::OK();
}

arrow::Status FileStream::Close() {
  if (!status_.ok() || closed()) return status_;
  if (fsync(descriptor_) != 0) return FailWithErrno();
  // Linux closes the descriptor also where close() fails: never try it twice.
  if (close(std::exchange(descriptor_, -1)) != 0) return FailWithErrno();
  return arrow::Status::OK();
}

std::string FileStream::Checksum() const {
  return fmt::format("{:016x}", XXH3_64bits_digest(hash_.get()));
}

}  // namespace sheaf
