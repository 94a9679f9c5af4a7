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

// Both give a file a name, and return 0 or an errno.
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

std::filesystem::path TemporaryOf(const std::filesystem::path& path) {
  return path.parent_path() / ("." + path.filename().string() + ".tmp");
}

arrow::Result<StoredFile> StoreText(const std::filesystem::path& path, std::string_view text,
                                    bool may_replace) {
  ARROW_ASSIGN_OR_RAISE(const auto file, DurableFile::Create(path));
  ARROW_RETURN_NOT_OK(file->Check(file->stream()->Write(text)));
  return file->Store(may_replace);
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

arrow::Result<std::unique_ptr<DurableFile>> DurableFile::Create(std::filesystem::path path) {
  ARROW_ASSIGN_OR_RAISE(auto stream, FileStream::Create(TemporaryOf(path), path));
  return std::unique_ptr<DurableFile>(new DurableFile(std::move(path), std::move(stream)));
}

DurableFile::DurableFile(std::filesystem::path path, std::shared_ptr<FileStream> file)
    : path_(std::move(path)), file_(std::move(file)), ours_(TemporaryOf(path_)) {}

DurableFile::~DurableFile() {
  std::error_code ignored;  // an error is already on its way to the caller
  if (!ours_.empty()) std::filesystem::remove(ours_, ignored);
}

std::shared_ptr<arrow::io::OutputStream> DurableFile::stream() const { return file_; }

arrow::Status DurableFile::Check(const arrow::Status& written) const {
  ARROW_RETURN_NOT_OK(file_->status());
  return written.ok() ? written : FileError("write", path_, written.message());
}

arrow::Result<StoredFile> DurableFile::Store(bool may_replace) {
  ARROW_RETURN_NOT_OK(file_->Close());
  const int error = may_replace ? Replace(ours_, path_) : MoveToNewName(ours_, path_);
  if (error != 0) return FileError("write", path_, error);
  ours_ = path_;
  ARROW_RETURN_NOT_OK(SyncDirectory(path_.parent_path()));
  ours_.clear();
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, file_->Tell());
  return StoredFile{.bytes = bytes, .xxh3_64 = file_->Checksum()};
}

arrow::Result<StoredFile> WriteTextDurably(const std::filesystem::path& path,
                                           std::string_view text) {
  return StoreText(path, text, /*may_replace=*/true);
}

arrow::Result<StoredFile> CreateTextDurably(const std::filesystem::path& path,
                                            std::string_view text) {
  return StoreText(path, text, /*may_replace=*/false);
}

}  // namespace sheaf
