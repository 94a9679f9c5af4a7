// The rows of one chunk, sorted by the place that each goes to.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sheaf {

/// Used by one thread at a time; its memory serves one chunk after another.
class RowsByPlace {
 public:
  /// places[i] is where row i goes, below `num_places`.
  void Sort(std::span<const uint32_t> places, size_t num_places) {
    ends_.assign(num_places + 1, 0);
    rows_.resize(places.size());
    for (const uint32_t place : places) ++ends_[place + 1];
    for (size_t p = 0; p < num_places; ++p) ends_[p + 1] += ends_[p];
    // Each start moves to its end as its rows are put down.
    for (size_t i = 0; i < places.size(); ++i) rows_[ends_[places[i]]++] = static_cast<uint32_t>(i);
  }

  [[nodiscard]] size_t num_places() const { return ends_.size() - 1; }

  /// The rows that go to a place, ascending.
  [[nodiscard]] std::span<const uint32_t> Of(size_t place) const {
    const uint32_t begin = place == 0 ? 0 : ends_[place - 1];
    return std::span(rows_).subspan(begin, ends_[place] - begin);
  }

 private:
  std::vector<uint32_t> ends_ = {0};  // of each place in rows_, and of all
  std::vector<uint32_t> rows_;
};

}  // namespace sheaf
