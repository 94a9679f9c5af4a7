#include "key/key_bounds.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <variant>

namespace sheaf {

void KeyBounds::Find(const KeyVector& keys, std::vector<uint32_t>* ranges) const {
  ranges->assign(static_cast<size_t>(keys.size()), 0);
  if (bounds_.size() == 0) return;
  std::visit(
      [&](const auto& values) {
        using Vector = std::decay_t<decltype(values)>;
        const auto& bounds = std::get<Vector>(bounds_.values());
        const auto count = static_cast<uint32_t>(bounds.size());
        uint32_t* const found = ranges->data();
        // Every row takes one step of its binary search before any takes the next: rows don't wait for
        // each other, and no branch depends on a key.
        for (uint32_t step = std::bit_floor(count); step > 0; step /= 2) {
          for (size_t i = 0; i < values.size(); ++i) {
            const uint32_t next = found[i] + step;
            const bool above = !(values[i] < bounds[std::min(next, count) - 1]);
            found[i] += step & -static_cast<uint32_t>(above & (next <= count));
          }
        }
      },
      keys.values());
}

void KeyBounds::Cut(size_t range, const KeyVector& at) {
  if (at.size() == 0) return;
  const auto before = static_cast<int64_t>(range);
  KeyVectorBuilder bounds;
  if (before > 0) bounds.Append(bounds_, 0, before);
  bounds.Append(at, 0, at.size());
  if (before < bounds_.size()) bounds.Append(bounds_, before, bounds_.size());
  bounds_ = bounds.Finish();
}

KeyVector CutsOf(const KeyVector& keys, size_t parts) {
  std::vector<int64_t> order(static_cast<size_t>(keys.size()));
  std::iota(order.begin(), order.end(), 0);
  std::vector<int64_t> cuts;
  std::visit(
      [&](const auto& values) {
        const auto key = [&](size_t i) { return values[static_cast<size_t>(order[i])]; };
        const auto add = [&](size_t i) {
          if (i == order.size() || key(i) == key(0)) return;
          if (cuts.empty() || values[static_cast<size_t>(cuts.back())] < key(i)) {
            cuts.push_back(order[i]);
          }
        };
        std::ranges::sort(order, {}, [&](int64_t i) { return values[static_cast<size_t>(i)]; });
        for (size_t part = 1; part < parts; ++part) {
          const size_t at = part * order.size() / parts;
          if (at == order.size()) break;
          add(at);
          const auto equal = std::ranges::upper_bound(
              order, key(at), {}, [&](int64_t i) { return values[static_cast<size_t>(i)]; });
          const auto end = static_cast<size_t>(equal - order.begin());
          if (end - at >= order.size() / parts) add(end);
        }
      },
      keys.values());
  return keys.Take(cuts);
}

}  // namespace sheaf
