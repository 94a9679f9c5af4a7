// The distinct keys of a run, sorted, and the rank of any key among them.
//
// Whole numbers that stand close together are bits in pages (PagedKeys), one column of them or several. All other
// keys stand in a hash table (HashedKeys).
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "key/key_bounds.h"
#include "key/key_vector.h"

namespace sheaf {

/// Immutable, so that threads may share it.
class KeySet {
 public:
  virtual ~KeySet() = default;
  [[nodiscard]] virtual int64_t size() const = 0;
  [[nodiscard]] virtual int64_t bytes() const = 0;

  /// Sets (*ranks)[i] to the 0-based rank of keys[i], or to -1 where the set lacks it.
  /// Errors: those of the disk, where the set is there.
  virtual arrow::Status Ranks(const KeyVector& keys, std::vector<int64_t>* ranks) const = 0;

  /// The ranges of keys, where only those of one range are cheap to look up at a time; null where all are.
  [[nodiscard]] virtual const KeyBounds* ranges() const { return nullptr; }

  /// Sets (*ranks)[r] to the rank of the first key of range r, and the one behind the last to size(). All
  /// bounds are keys of the set; where it has ranges(), these are the ones. Errors: as Ranks().
  virtual arrow::Status FirstRanks(const KeyBounds& ranges, std::vector<int64_t>* ranks) const;
};

/// Collects keys in any order, with repeats. All calls take keys of one form.
class KeySetBuilder {
 public:
  KeySetBuilder();
  ~KeySetBuilder();
  KeySetBuilder(const KeySetBuilder&) = delete;
  KeySetBuilder& operator=(const KeySetBuilder&) = delete;

  void Add(const KeyVector& keys);
  /// Forgets the greater half of the keys, or some less, of two at least. Returns the greatest that is left.
  KeyVector KeepSmallerHalf();

  /// Distinct keys.
  [[nodiscard]] int64_t size() const;
  /// About how many bytes are held.
  [[nodiscard]] int64_t bytes() const;
  /// The set of all keys added. Called once, last.
  std::unique_ptr<KeySet> Finish();
  /// Instead of Finish(): of the same keys, ascending and distinct, every `step`-th and the last.
  KeyVector FinishEvery(int64_t step);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sheaf
