#include "spill/unnamed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "sheaf/error.h"

namespace sheaf {
namespace {

arrow::Status FileError(const std::filesystem::path& directory, const char* what, int code) {
  const bool many_open = code == EMFILE || code == ENFILE;
  return MakeError(
      ErrorKind::kEngine,
      "spill file in \"" + directory.string() + "\": can't " + what + ": " + std::strerror(code) +
          (many_open ? "; allow more of them (ulimit -n)"
                     : "; free space there, set SHEAF_SPILL_DIR to another directory") +
          ", or raise batch.memory");
}

// What is left of `parts` once their first `count` bytes are done.
std::span<iovec> Rest(std::span<iovec> parts, size_t count) {
  while (!parts.empty() && count >= parts.front().iov_len) {
    count -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (count > 0) {
    parts.front().iov_base = static_cast<uint8_t*>(parts.front().iov_base) + count;
    parts.front().iov_len -= count;
  }
  return parts;
}

}  // namespace

std::optional<std::filesystem::path> ChosenSpillDirectory() {
  const char* chosen = std::getenv("SHEAF_SPILL_DIR");
  if (chosen == nullptr || *chosen == '\0') return std::nullopt;
  return chosen;
}

std::filesystem::path SpillDirectory() {
  if (auto chosen = ChosenSpillDirectory()) return *chosen;
  std::error_code error;
  std::filesystem::path const directory = std::filesystem::temp_directory_path(error);
  return error ? std::filesystem::path(".") : directory;
}

arrow::Result<std::unique_ptr<UnnamedFile>> UnnamedFile::Create(std::filesystem::path directory) {
  std::string name = (directory / "sheaf-spill-XXXXXX").string();
  const int cached = ::mkostemp(name.data(), O_CLOEXEC);
  if (cached < 0) return FileError(directory, "create it", errno);
  const int direct = ::open(name.c_str(), O_RDWR | O_CLOEXEC | O_DIRECT);
  ::unlink(name.c_str());
  return std::unique_ptr<UnnamedFile>(new UnnamedFile(cached, direct, std::move(directory)));
}

UnnamedFile::~UnnamedFile() {
  ::close(cached_);
  if (direct_ >= 0) ::close(direct_);
}

arrow::Status UnnamedFile::Write(int64_t offset, std::span<iovec> parts, DiskPath path) {
  while (!parts.empty()) {
    const auto at_once = static_cast<int>(std::min<size_t>(parts.size(), IOV_MAX));
    const ssize_t count = ::pwritev(DescriptorOf(path), parts.data(), at_once, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Error("write to it", count < 0 ? errno : ENOSPC);
    offset += count;
    parts = Rest(parts, static_cast<size_t>(count));
  }
  return arrow::Status::OK();
}

arrow::Status UnnamedFile::Read(int64_t offset, int64_t length, uint8_t* out, DiskPath path) const {
  while (length > 0) {
    const ssize_t count = ::pread(DescriptorOf(path), out, static_cast<size_t>(length), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Error("read from it", count < 0 ? errno : EIO);
    out += count;
    offset += count;
    length -= count;
  }
  return arrow::Status::OK();
}

arrow::Status UnnamedFile::Error(const char* what, int code) const {
  return FileError(directory_, what, code);
}

}  // namespace sheaf
