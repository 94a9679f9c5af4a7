#include "sink/commit_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sink/durable_file.h"
#include "sink/file_error.h"

namespace sheaf {

arrow::Result<std::unique_ptr<CommitLog>> CommitLog::Create(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return FileError("create", path, errno);
  std::unique_ptr<CommitLog> log(new CommitLog(descriptor, path));
  const arrow::Status status = SyncDirectory(path.parent_path());
  if (status.ok()) return log;
  unlink(path.c_str());
  return status;
}

CommitLog::CommitLog(int descriptor, std::filesystem::path path)
    : descriptor_(descriptor), path_(std::move(path)) {}

CommitLog::~CommitLog() { close(descriptor_); }

arrow::Status CommitLog::WriteAll(const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(size_ + static_cast<int64_t>(done)));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write", path_, errno);
    done += static_cast<size_t>(written);
  }
  if (fsync(descriptor_) != 0) return FileError("write", path_, errno);
  return arrow::Status::OK();
}

arrow::Status CommitLog::Append(std::string line) {
  line += '\n';
  arrow::Status status = WriteAll(line);
  if (status.ok()) {
    size_ += static_cast<int64_t>(line.size());
  } else if (ftruncate(descriptor_, size_) != 0) {
    return status.WithMessage(status.message(), " (and its last line could not be taken back)");
  }
  return status;
}

}  // namespace sheaf
