#include "key/key_bounds.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <span>
#include <string_view>
#include <variant>

#include "key/text_words.h"

namespace sheaf {

namespace {

// For each value how many of `bounds`, which ascend, are at most that.
template <typename T>
void CountUpTo(std::span<const T> values, std::span<const T> bounds, uint32_t* counts) {
  const auto all = static_cast<uint32_t>(bounds.size());
  std::fill_n(counts, values.size(), 0);
  // Every value takes one step of its binary search before any takes the next: they don't wait for each other, and
  // no branch depends on a value.
  for (uint32_t step = std::bit_floor(all); step > 0; step /= 2) {
    for (size_t i = 0; i < values.size(); ++i) {
      const uint32_t next = counts[i] + step;
      const bool above = !(values[i] < bounds[std::min(next, all) - 1]);
      counts[i] += step & -static_cast<uint32_t>(above & (next <= all));
    }
  }
}

// The same for texts: by numbers first, and only those that share theirs with a bound are compared.
void CountUpTo(std::span<const std::string_view> texts, std::span<const std::string_view> bounds,
               uint32_t* counts) {
  const std::string_view prefix =
      bounds.front().substr(0, CommonPrefix(bounds.front(), bounds.back()));
  std::vector<uint64_t> bound_words;
  bound_words.reserve(bounds.size());
  for (const std::string_view bound : bounds) bound_words.push_back(WordAt(bound, prefix.size()));
  std::vector<uint64_t> words;
  words.reserve(texts.size());
  for (const std::string_view text : texts) {
    const int order = text.substr(0, prefix.size()).compare(prefix);
    const uint64_t beside = order < 0 ? 0 : ~uint64_t{0};  // all bounds
    words.push_back(order == 0 ? WordAt(text, prefix.size()) : beside);
  }
  CountUpTo<uint64_t>(words, bound_words, counts);
  for (size_t i = 0; i < texts.size(); ++i) {
    if (counts[i] == 0 || bound_words[counts[i] - 1] != words[i]) continue;
    const auto above = bounds.begin() + counts[i];
    const auto alike = std::ranges::lower_bound(bound_words, words[i]) - bound_words.begin();
    counts[i] = static_cast<uint32_t>(std::upper_bound(bounds.begin() + alike, above, texts[i]) -
                                      bounds.begin());
  }
}

}  // namespace

void KeyBounds::Find(const KeyVector& keys, std::vector<uint32_t>* ranges) const {
  ranges->assign(static_cast<size_t>(keys.size()), 0);
  if (bounds_.size() == 0) return;
  std::visit(
      [&](const auto& values) {
        using Vector = std::decay_t<decltype(values)>;
        using Value = Vector::value_type;
        const auto& bounds = std::get<Vector>(bounds_.values());
        CountUpTo(std::span<const Value>(values), std::span<const Value>(bounds), ranges->data());
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
