#include "sink/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
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

/// Gives a file a name. Returns 0 or an errno.
using MoveFunction = int (*)(const std::filesystem::path& from, const std::filesystem::path& to);

int Replace(const std::filesystem::path& from, const std::filesystem::path& to) {
  return rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

int MoveToNewName(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // NFS, for one, has no such call, yet a link replaces nothing either.
  if (link(from.c_str(), to.c_str()) != 0) return errno == EEXIST ? EEXIST : Replace(from, to);
  return unlink(from.c_str()) == 0 ? 0 : errno;
}

WriteFunction WriterOf(std::string_view text) {
  return [text](const std::shared_ptr<arrow::io::OutputStream>& stream) {
    return stream->Write(text);
  };
}

arrow::Result<StoredFile> WriteAndMove(const std::filesystem::path& path,
                                       const WriteFunction& write, MoveFunction move) {
  const std::filesystem::path temporary =
      path.parent_path() / ("." + path.filename().string() + ".tmp");
  ARROW_ASSIGN_OR_RAISE(const auto stream, FileStream::Create(temporary, path));
  RemoveUnlessKept guard(temporary);

  const arrow::Status written = write(stream);
  // The stream's own error is the cause of what an encoder makes of it.
  ARROW_RETURN_NOT_OK(stream->status());
  if (!written.ok()) return FileError("write", path, written.message());
  ARROW_RETURN_NOT_OK(stream->Close());

  if (const int error = move(temporary, path); error != 0) return FileError("write", path, error);
  guard.MovedTo(path);
  ARROW_RETURN_NOT_OK(SyncDirectory(path.parent_path()));
  guard.Keep();

  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, stream->Tell());
  return StoredFile{.bytes = bytes, .xxh3_64 = stream->Checksum()};
}

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
  return WriteAndMove(path, write, Replace);
}

arrow::Result<StoredFile> WriteTextDurably(const std::filesystem::path& path,
                                           std::string_view text) {
  return WriteDurably(path, WriterOf(text));
}

arrow::Result<StoredFile> CreateTextDurably(const std::filesystem::path& path,
                                            std::string_view text) {
  return WriteAndMove(path, WriterOf(text), MoveToNewName);
}

}  // namespace sheaf
