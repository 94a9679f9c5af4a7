#include "sink/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "sheaf/error.h"
#include "sink/file_error.h"

namespace sheaf {

DirectoryLock::~DirectoryLock() { close(descriptor_); }

arrow::Result<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(
    const std::filesystem::path& directory) {
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return FileError("use", directory, errno);
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(descriptor));
  // Any other error: a file system without such locks, as NFS is for directories.
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return lock;
  return MakeError(
      ErrorKind::kEngine,
      fmt::format("another run writes to output directory \"{}\"; choose another or wait for it",
                  directory.string()));
}

}  // namespace sheaf
