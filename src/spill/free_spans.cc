#include "spill/free_spans.h"

#include <iterator>

namespace sheaf {

void FreeSpans::Insert(uint8_t* span, int64_t size) {
  bytes_ += size;
  auto next = sizes_.upper_bound(span);
  if (next != sizes_.begin()) {
    const auto last = std::prev(next);
    if (last->first + last->second == span) {
      span = last->first;
      size += last->second;
      Erase(last);
    }
  }
  if (next != sizes_.end() && span + size == next->first) {
    size += next->second;
    next = Erase(next);
  }
  sizes_.emplace_hint(next, span, size);
  by_size_.emplace(size, span);
}

uint8_t* FreeSpans::Take(int64_t size) {
  const auto fitting = by_size_.lower_bound({size, nullptr});
  if (fitting == by_size_.end()) return nullptr;
  const auto [span, span_size] = Remove(fitting);
  if (span_size > size) Insert(span + size, span_size - size);
  return span;
}

std::pair<uint8_t*, int64_t> FreeSpans::TakeLargest() { return Remove(std::prev(by_size_.end())); }

std::pair<uint8_t*, int64_t> FreeSpans::Remove(BySize::iterator which) {
  const auto [size, span] = *which;
  Erase(sizes_.find(span));
  bytes_ -= size;
  return {span, size};
}

FreeSpans::Sizes::iterator FreeSpans::Erase(Sizes::iterator span) {
  by_size_.erase({span->second, span->first});
  return sizes_.erase(span);
}

}  // namespace sheaf
