// What the strategies share: a lane a table, which reads the table and yields its share of each window;
// the windows become batches; the first error ends the run.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "cogroup/batch_shaper.h"
#include "cogroup/bounded_queue.h"
#include "cogroup/chunk_reader.h"
#include "cogroup/counters.h"
#include "cogroup/memory_split.h"
#include "cogroup/memory_turns.h"
#include "cogroup/read_ahead.h"
#include "cogroup/table_input.h"
#include "parallel/parallel.h"
#include "sheaf/batch_reader.h"
#include "spill/row_memory.h"

namespace sheaf {

/// A strategy derives from this class, calls Stop() first in its destructor, and yields windows.
class LaneReader : public BatchReader {
 public:
  arrow::Result<std::optional<Batch>> Next() final;
  void Cancel() final;
  [[nodiscard]] Metrics metrics() const final;
  [[nodiscard]] std::shared_ptr<arrow::Schema> key_schema() const final {
    return resolved_.key_schema;
  }
  [[nodiscard]] const std::vector<std::shared_ptr<arrow::Schema>>& table_schemas() const final {
    return schemas_;
  }
  [[nodiscard]] const Plan& plan() const final { return plan_; }

 protected:
  /// One table on its way. Its thread runs what the strategy says.
  struct Lane {
    Lane(TableInput* table, const Policy& policy, KeyOrder order)
        : input(table), chunks(*table, policy, order, &counters) {}

    TableInput* const input;
    TableCounters counters;
    ChunkReader chunks;                  ///< Cancelled once the run has failed.
    BoundedQueue<TableShare> shares{1};  ///< The share of the next window.
    std::thread thread;
  };

  /// `order`: in which the keys of each stream come.
  LaneReader(std::shared_ptr<Engine> engine, ResolvedJob resolved, Plan plan, KeyOrder order);

  /// Reads the stream that `open` opens, when it is its turn, and calls `keep` with each chunk, which a thread of
  /// its own has prepared. Reads nothing once the turns are closed. When it returns, none is called any more.
  [[nodiscard]] arrow::Status Read(Lane* lane, MemoryTurns* turns, ChunkReader::OpenStream open,
                                   const std::function<arrow::Status(const Chunk&)>& keep,
                                   ReadAhead::Prepare prepare) const;

  using OpenedParts = std::function<arrow::Result<Connection::Readers>()>;
  /// The same of rows that may come in parts. The threads that read these keep the chunks too: `keep` is called by
  /// several at the same time.
  [[nodiscard]] arrow::Status ReadInParts(Lane* lane, MemoryTurns* turns, const OpenedParts& open,
                                          const std::function<arrow::Status(const Chunk&)>& keep,
                                          const ReadAhead::Prepare& prepare) const;

  /// Runs `work` in the lane's thread; an error it returns ends the run.
  void StartThread(Lane* lane, std::function<arrow::Status()> work);

  /// Cancels the run and joins all threads of lanes.
  void Stop();

  /// Makes the lane's share of the next window by `make`, once the one before it is taken: a batch is
  /// large, so only one is made while another is consumed. False once the run has failed.
  static arrow::Result<bool> PutShare(Lane* lane,
                                      const std::function<arrow::Result<TableShare>()>& make);

  /// Takes the next share of every lane, as the tables of a window; nullopt once the run has failed.
  std::optional<std::vector<TableShare>> PopShares();

  /// Waits until every lane has ended: a late error must not be missed.
  void WaitForLanes();

  void Fail(const arrow::Status& status);

  /// How many keys the batch being formed still takes. For NextWindow() alone.
  [[nodiscard]] int64_t batch_room() const { return shaper_.room(); }

  /// About how many bytes a window should have at most, for a part of a batch is one at least; nullopt where batches
  /// are whole.
  [[nodiscard]] std::optional<int64_t> part_bytes() const;
  /// The same, and no more than a part of max_bytes, so that little is held beyond the end of a batch.
  [[nodiscard]] std::optional<int64_t> window_bytes() const;

  [[nodiscard]] const Job& job() const { return resolved_.job; }
  [[nodiscard]] const ResolvedJob& resolved() const { return resolved_; }
  [[nodiscard]] const MemorySplit& split() const { return split_; }
  [[nodiscard]] const std::shared_ptr<Engine>& engine() const { return engine_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Lane>>& lanes() const { return lanes_; }

 private:
  /// The next window of all tables; nullopt where none is left, and once the run has failed.
  virtual arrow::Result<std::optional<CutWindow>> NextWindow() = 0;
  /// Wakes threads that wait for something of the strategy's own; called by Fail().
  virtual void Wake() = 0;
  /// Keys of the whole run, once they are known.
  [[nodiscard]] virtual std::optional<int64_t> TotalKeys() const = 0;

  [[nodiscard]] arrow::Status ReadWhole(Lane* lane, ChunkReader::OpenStream open,
                                        const std::function<arrow::Status(const Chunk&)>& keep,
                                        ReadAhead::Prepare prepare) const;
  arrow::Status AddWindow();
  void Count(const Batch& batch);
  arrow::Status failure() const;

  const std::shared_ptr<Engine> engine_;
  const std::shared_ptr<TaskQueue> burst_threads_ =
      BurstThreads();            // held for all bursts of the run
  const RowMemoryOfRun memory_;  // of all below
  ResolvedJob resolved_;
  const Plan plan_;
  const MemorySplit split_;
  std::vector<std::shared_ptr<arrow::Schema>> schemas_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  BatchShaper shaper_;      // used by the caller of Next() alone, as are the two flags
  bool exhausted_ = false;  // no window is left
  bool ended_ = false;      // no batch is left

  mutable std::mutex mutex_;
  arrow::Status failure_;  // the first one; guarded by mutex_
  Metrics totals_;         // guarded by mutex_
};

}  // namespace sheaf
