// Forms the windows of a run: the distinct keys of the selecting tables, ascending, at most max_keys
// at a time, or fewer where their rows would have too many bytes: that is judged by those of the keys before. They come in
// portions: rows are cut while they are in cache, and don't wait for the whole window.
//
// Each selecting table announces its distinct keys as it reads; a portion is ready once no table can
// still have a smaller key. Every table then cuts its rows by the portion:
//
//   selecting table 1   3 5 9 ...  --+                       +-> cut table 1
//                                     +-> [3 4 5] [9 ...] ..-+-> cut table 2
//   selecting table 2   4 5 12 ... --+                       +-> cut the others
//
// Threads: one a table, calling with that table's number; Close() from any.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "cogroup/chunk.h"

namespace sheaf {

class KeySelector {
 public:
  /// What a table's thread does next.
  struct Turn {
    enum class Kind { kCut, kRead, kEnd, kClosed };
    Kind kind = Kind::kEnd;
    std::shared_ptr<const Window> window;  ///< Of kCut: the next portion.
  };

  static constexpr int64_t kAnyBytes = std::numeric_limits<int64_t>::max();

  /// `selects[t]`: whether table t selects keys. A window ends where `max_keys` keys do, after the one before or after
  /// several of them, and where its rows have about `max_bytes` bytes. It comes in portions of `portion_keys` keys, or of
  /// fewer where these have many bytes; its last one may have fewer.
  KeySelector(std::vector<bool> selects, int32_t max_keys, int32_t portion_keys,
              int64_t max_bytes = kAnyBytes);

  /// Blocks until the table's next portion is there (kCut), or the table shall read and announce more
  /// (kRead, selecting tables only), or none is left (kEnd), or
  /// Close() was called (kClosed): what was cut of a window is then no whole one.
  Turn Next(size_t table);

  /// Hands over the keys of a chunk that a selecting table read: ascending, repeats allowed.
  /// `key_rows`: the key columns of the same rows; the same schema in all calls.
  arrow::Status Announce(size_t table, const KeyVector& keys,
                         const std::shared_ptr<arrow::RecordBatch>& key_rows);

  /// The selecting table has announced all its keys.
  arrow::Status Finish(size_t table);

  /// The rows of so many keys of a table have so many bytes: those that follow are taken to be like them. Where windows
  /// end by bytes, only a few keys are in a portion before each table but the last has told.
  void AddBytes(size_t table, int64_t keys, int64_t bytes);

  /// Wakes every thread; from now on Next() returns kClosed.
  void Close();

  /// The number of keys of the run, once all selecting tables are read.
  std::optional<int64_t> total_keys() const;

 private:
  struct Announced {
    KeyVector keys;
    std::shared_ptr<arrow::RecordBatch> rows;
    int64_t next = 0;  // the first key that no portion has
  };
  struct TableState {
    bool selects = false;
    bool finished = false;
    int64_t pending = 0;  // keys announced that no portion has
    std::deque<Announced> announced;
    int64_t next_portion = 0;
    KeyVector last;                   // the last key announced
    std::optional<double> key_bytes;  // of the rows of a key, once known
  };

  // The table with the smallest key that no portion has.
  struct Head {
    TableState* table = nullptr;  // null where no table has a key left
    bool alone = true;            // no other table has a key left
    bool known = true;            // no table can still announce a smaller one
  };

  static int CompareHeads(const TableState& a, const TableState& b);
  Head SmallestHead();
  void DropRepeats(const TableState& smallest);
  arrow::Status Advance();
  arrow::Status Emit();
  [[nodiscard]] double KeyBytes() const;
  [[nodiscard]] int64_t PortionKeys() const;
  [[nodiscard]] int64_t Room() const { return portion_room_ - keys_.size(); }
  void TakeRun(TableState* table, int64_t length);

  const int64_t max_keys_;
  const int64_t portion_keys_;
  const double max_bytes_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::vector<TableState> tables_;
  int64_t batch_keys_ = 0;    // since the last multiple of max_keys_
  double window_bytes_ = 0;   // of the window being formed
  int64_t portion_room_ = 0;  // keys of the portion being formed
  KeyVectorBuilder keys_;     // of the portion being formed
  std::vector<std::shared_ptr<arrow::RecordBatch>> key_rows_;  // its rows, in slices
  std::deque<std::shared_ptr<const Window>> portions_;         // those that some table still needs
  int64_t first_portion_ = 0;                                  // the index of portions_[0]
  int64_t emitted_keys_ = 0;
  bool all_emitted_ = false;
  bool closed_ = false;
};

}  // namespace sheaf
