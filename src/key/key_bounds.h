// Keys that cut all keys into ranges, each from its bound up to the next one.
//
//   bounds      20        50          keys below 20 are of range 0, below 50 of range 1, others of range 2
#pragma once

#include <cstdint>
#include <vector>

#include "key/key_vector.h"

namespace sheaf {

/// Used by one thread at a time.
class KeyBounds {
 public:
  /// One more than there are bounds.
  [[nodiscard]] size_t ranges() const { return static_cast<size_t>(bounds_.size()) + 1; }

  /// Ascending and distinct.
  [[nodiscard]] const KeyVector& bounds() const { return bounds_; }

  /// Sets (*ranges)[i] to the range of keys[i]. All calls take keys of one form.
  void Find(const KeyVector& keys, std::vector<uint32_t>* ranges) const;

  /// Cuts range `range` at keys that lie in it: ascending, distinct, none the range's own bound.
  void Cut(size_t range, const KeyVector& at);

 private:
  KeyVector bounds_;
};

/// At most twice `parts` - 1 keys that cut `keys`, which are in any order, into parts of about the same
/// length: ascending, distinct, none the smallest. A key that repeats through a whole part is cut off on both
/// sides. Empty where all keys are equal.
KeyVector CutsOf(const KeyVector& keys, size_t parts);

}  // namespace sheaf
