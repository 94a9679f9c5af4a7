// Blocks of memory that wait on disk, as they are: neither encoded nor compressed.
//
// To compress rows costs more than to move them: LZ4 takes as long for a block as its rows take to be gathered.
// They go through the system's cache, or straight to the disk, as either is fast (DiskPathChoice).
//
// The blocks stand in several files, each closed as soon as all of it is taken. Where the file system discards, to
// close a file takes a third of the time that it took to write it: at the end of a run nothing else would be done
// meanwhile. (To punch holes into a file stops whoever reads from it.)
#pragma once

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "parallel/task_queue.h"
#include "spill/disk_path_choice.h"
#include "spill/unnamed_file.h"

namespace sheaf {

/// Threads of the store's own write, read ahead and close files. One thread at a time calls Write(), any the others.
class BlockStore {
 public:
  using Blocks = std::vector<std::shared_ptr<arrow::Buffer>>;

  /// Where blocks stand that were written together.
  struct Place {
    size_t file;
    int64_t offset;
    int64_t length;
    int64_t end;  ///< Bytes of the store that are written once these are.
    DiskPath path;
  };

  /// A block that is read beside the caller.
  using Coming = std::future<arrow::Result<std::shared_ptr<arrow::Buffer>>>;

  /// Files to be written to.
  static constexpr size_t kFiles = 8;

  explicit BlockStore(std::filesystem::path directory, DiskPathChoice choice = DiskPathChoice());
  ~BlockStore();  ///< Does not wait for blocks that are not written yet, or that nobody has waited for.
  BlockStore(const BlockStore&) = delete;
  BlockStore& operator=(const BlockStore&) = delete;

  /// Appends blocks, one after another, to a file. They are held until they are written. Waits while too many wait
  /// that came before.
  /// Errors, of all methods: kEngine, a full disk among them, of this call or of a write before.
  arrow::Result<Place> Write(size_t file, const Blocks& blocks);

  /// What stands there, in memory from RowMemory(), once it is written.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::Buffer>> Read(const Place& place) const;

  /// The same for the last time.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::Buffer>> Take(const Place& place);

  /// The same beside the caller, a few at a time: those asked for first come first.
  [[nodiscard]] Coming TakeAhead(const Place& place);

 private:
  struct File {
    std::shared_ptr<UnnamedFile> file;  // null: nothing stands in it
    int64_t end = 0;                    // bytes that were handed over
    int64_t taken = 0;                  // bytes
  };

  // Blocks to be written to one file, one after another.
  struct Waiting {
    std::shared_ptr<UnnamedFile> file;
    int64_t offset;
    DiskPath path;
    Blocks blocks;
  };

  void AddWaiting(const File& to, DiskPath path, const Blocks& blocks);
  void Work();
  void WriteAll(std::unique_lock<std::mutex>* lock);
  arrow::Status WriteTo(const Waiting& waiting);

  const std::filesystem::path directory_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::array<File, kFiles> files_;  // guarded by mutex_, as are the next six
  std::vector<Waiting> waiting_;
  DiskPathChoice choice_;
  int64_t end_ = 0;        // bytes that were handed over
  int64_t written_ = 0;    // bytes
  arrow::Status failure_;  // of a write, or the store's end
  std::vector<std::shared_ptr<UnnamedFile>> closing_;

  std::thread thread_;  // started by the first Write()

  TaskQueue readers_;  // last, for reading uses all above
};

}  // namespace sheaf
