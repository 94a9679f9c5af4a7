// The distinct keys of a run, sorted, and the rank of any key among them.
//
// Dense integers are bits in pages of 65,536, with the number of keys before each word: a rank is two
// look-ups and a population count. All other keys stand in a hash table that knows their ranks.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "key/key_vector.h"

namespace sheaf {

/// Immutable, so that threads may share it.
class KeySet {
 public:
  virtual ~KeySet() = default;
  [[nodiscard]] virtual int64_t size() const = 0;
  [[nodiscard]] virtual int64_t bytes() const = 0;

  /// Sets (*ranks)[i] to the 0-based rank of keys[i], or to -1 where the set lacks it.
  virtual void Ranks(const KeyVector& keys, std::vector<int64_t>* ranks) const = 0;
};

/// Collects keys in any order, with repeats. All calls take keys of one form.
class KeySetBuilder {
 public:
  KeySetBuilder();
  ~KeySetBuilder();
  KeySetBuilder(const KeySetBuilder&) = delete;
  KeySetBuilder& operator=(const KeySetBuilder&) = delete;

  void Add(const KeyVector& keys);
  /// About how many bytes are held.
  [[nodiscard]] int64_t bytes() const;
  /// The set of all keys added. Called once, last.
  std::unique_ptr<KeySet> Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sheaf
