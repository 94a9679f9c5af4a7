// The keys of a run on disk, in ranges, where they exceed memory: the sets of the ranges that were asked last are
// in memory.
#pragma once

#include <arrow/result.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "key/key_set.h"
#include "spill/spill_file.h"

namespace sheaf {

class DiskKeySet final : public KeySet {
 public:
  /// Adds the keys of a range. Several threads call it at the same time, each for another range.
  using AddKeys = std::function<arrow::Status(size_t range, KeySetBuilder* keys)>;

  /// Asks for the keys of all ranges. `max_bytes`: of the keys in memory, now and later, but for those of two ranges.
  /// Errors: those of the disk, and of `add_keys`.
  static arrow::Result<std::unique_ptr<DiskKeySet>> Make(const KeyBounds& ranges, int64_t max_bytes,
                                                         const AddKeys& add_keys);

  [[nodiscard]] int64_t size() const override { return first_ranks_.back(); }
  [[nodiscard]] int64_t bytes() const override;
  arrow::Status Ranks(const KeyVector& keys, std::vector<int64_t>* ranks) const override;
  [[nodiscard]] const KeyBounds* ranges() const override { return &ranges_; }
  arrow::Status FirstRanks(const KeyBounds& ranges, std::vector<int64_t>* ranks) const override;

 private:
  using Loaded = std::pair<size_t, std::shared_ptr<const KeySet>>;

  DiskKeySet(KeyBounds ranges, int64_t max_bytes, std::unique_ptr<SpillFile> file)
      : ranges_(std::move(ranges)), max_bytes_(max_bytes), file_(std::move(file)) {}

  arrow::Result<std::shared_ptr<const KeySet>> Load(size_t range) const;

  const KeyBounds ranges_;
  const int64_t max_bytes_;  // of loaded_
  const std::unique_ptr<SpillFile> file_;
  KeyVector::Values form_;                  // empty; the keys' form
  std::vector<SpillFile::Block> blocks_;    // of each range
  std::vector<int64_t> first_ranks_ = {0};  // of each range, and the end
  mutable std::mutex mutex_;
  mutable std::deque<Loaded> loaded_;  // the last ones; guarded by mutex_
  mutable int64_t loaded_bytes_ = 0;   // guarded by mutex_
};

}  // namespace sheaf
