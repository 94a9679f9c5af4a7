#include "sink/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "sink/file_error.h"
#include "sink/file_stream.h"

namespace sheaf {
namespace {

/// Removes a file on every way out but the one that keeps it.
class RemoveUnlessKept {
 public:
  explicit RemoveUnlessKept(std::filesystem::path path) : path_(std::move(path)) {}
  RemoveUnlessKept(const RemoveUnlessKept&) = delete;
  RemoveUnlessKept& operator=(const RemoveUnlessKept&) = delete;
  ~RemoveUnlessKept() {
    std::error_code ignored;  // an error is already on its way to the caller
    if (!path_.empty()) std::filesystem::remove(path_, ignored);
  }
  void MovedTo(std::filesystem::path path) { path_ = std::move(path); }
  void Keep() { path_.clear(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

arrow::Status SyncDirectory(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory.empty() ? "." : directory;
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return FileError("open", path, errno);
  // EINVAL: a file system that has no such operation. There is nothing better to do then.
  const int error = fsync(descriptor) == 0 || errno == EINVAL ? 0 : errno;
  close(descriptor);
  return error == 0 ? arrow::Status::OK() : FileError("write", path, error);
}

arrow::Result<StoredFile> WriteDurably(const std::filesystem::path& path,
                                       const WriteFunction& write) {
  const std::filesystem::path temporary =
      path.parent_path() / ("." + path.filename().string() + ".tmp");
  ARROW_ASSIGN_OR_RAISE(const auto stream, FileStream::Create(temporary, path));
  RemoveUnlessKept guard(temporary);

  const arrow::Status written = write(stream);
  // The stream's own error is the cause of what an encoder makes of it.
  ARROW_RETURN_NOT_OK(stream->status());
  if (!written.ok()) return FileError("write", path, written.message());
  ARROW_RETURN_NOT_OK(stream->Close());

  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) return FileError("write", path, error.value());
  guard.MovedTo(path);
  ARROW_RETURN_NOT_OK(SyncDirectory(path.parent_path()));
  guard.Keep();

  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, stream->Tell());
  return StoredFile{.bytes = bytes, .xxh3_64 = stream->Checksum()};
}

arrow::Result<StoredFile> WriteTextDurably(const std::filesystem::path& path,
                                           std::string_view text) {
  return WriteDurably(path, [text](const std::shared_ptr<arrow::io::OutputStream>& stream) {
    return stream->Write(text);
  });
}

}  // namespace sheaf
