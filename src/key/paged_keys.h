// Distinct whole numbers that stand close together: bits in pages of 65,536, with the number of keys before each
// word. A rank is a look-up of the page and a population count.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "key/key_vector.h"

namespace sheaf {

/// `T`: uint64_t or Uint128. The pages stand in a hash table, so they may lie anywhere: a composite key's
/// last column is often dense below each value of the columns before it.
template <typename T>
class PagedKeys {
 public:
  using Key = T;

  static constexpr int kPageBits = 16;

  /// Keys of the set.
  [[nodiscard]] int64_t size() const { return size_; }
  [[nodiscard]] int64_t pages() const { return static_cast<int64_t>(pages_.size()); }
  [[nodiscard]] int64_t bytes() const {
    return pages() * static_cast<int64_t>(sizeof(Page)) +
           static_cast<int64_t>(slots_.size() * sizeof(Slot));
  }

  /// Keys come in no order, and a large set stands in no cache: whoever looks for one key after another asks for the
  /// memory of the one that comes so many later.
  static constexpr size_t kAhead = 16;

  /// Where the bit of the key is, which may not be in the set; null where no key of its page is.
  [[nodiscard]] const uint64_t* PlaceOf(T key) const {
    const Page* const page = slots_[SlotOf(key >> kPageBits)].page;
    return page == nullptr ? nullptr : &page->words[WordOf(key)];
  }

  void Add(T key) {
    uint64_t& word = PageOf(key).words[WordOf(key)];
    size_ += (word & BitOf(key)) == 0 ? 1 : 0;
    word |= BitOf(key);
  }

  /// After the last Add(), before the first look for a rank.
  void Sort() {
    std::ranges::sort(pages_, {}, [](const auto& page) { return page->number; });
    int64_t first_rank = 0;
    for (const auto& page : pages_) {
      page->first_rank = first_rank;
      uint32_t count = 0;
      for (size_t w = 0; w < kWords; ++w) {
        page->before[w] = static_cast<uint16_t>(count);
        count += static_cast<uint32_t>(std::popcount(page->words[w]));
      }
      first_rank += count;
    }
  }

  /// Forgets the greater half of the keys, or some less: whole pages.
  void KeepSmallerHalf() {
    Sort();
    const auto end = std::ranges::partition_point(
        pages_, [half = size_ / 2](const auto& page) { return page->first_rank < half; });
    if (end != pages_.end()) size_ = (*end)->first_rank;
    pages_.erase(end, pages_.end());
    Place();
  }

  /// Writes the rank of each key to `ranks`; -1 where the set lacks it.
  void Ranks(std::span<const T> keys, int64_t* ranks) const {
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i + kAhead < keys.size()) __builtin_prefetch(PlaceOf(keys[i + kAhead]));
      // Rows of one key often follow each other.
      const bool repeats = i > 0 && keys[i] == keys[i - 1];
      ranks[i] = repeats ? ranks[i - 1] : Rank(keys[i]);
    }
  }

  /// Calls `visit` with every key: ascending after Sort().
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (const auto& page : pages_) {
      for (size_t w = 0; w < kWords; ++w) {
        for (uint64_t bits = page->words[w]; bits != 0; bits &= bits - 1) {
          const auto bit = static_cast<size_t>(std::countr_zero(bits));
          visit((page->number << kPageBits) | static_cast<T>(w * 64 + bit));
        }
      }
    }
  }

 private:
  static constexpr size_t kWords = (size_t{1} << kPageBits) / 64;

  struct Page {
    explicit Page(T of) : number(of) {}

    T number;
    int64_t first_rank = 0;  // keys of the set before this page
    std::array<uint64_t, kWords> words{};
    std::array<uint16_t, kWords> before{};  // keys of this page before each word
  };

  struct Slot {
    T number = 0;
    Page* page = nullptr;
  };

  static size_t WordOf(T key) { return (static_cast<uint64_t>(key) >> 6) % kWords; }
  static uint64_t BitOf(T key) { return uint64_t{1} << (static_cast<uint64_t>(key) % 64); }

  // Fibonacci hashing: the upper bits of the product hang on all bits of the number.
  static uint64_t HashOf(T number) {
    const uint64_t hash = static_cast<uint64_t>(number) * 0x9E3779B97F4A7C15;
    if constexpr (sizeof(T) > sizeof(uint64_t)) {
      return hash + static_cast<uint64_t>(number >> 64) * 0xD6E8FEB86659FD93;
    } else {
      return hash;
    }
  }

  // The slot of a page, or the empty one where it belongs.
  [[nodiscard]] size_t SlotOf(T number) const {
    auto i = static_cast<size_t>(HashOf(number) >> (64 - std::countr_zero(slots_.size())));
    while (slots_[i].page != nullptr && slots_[i].number != number) {
      i = (i + 1) & (slots_.size() - 1);
    }
    return i;
  }

  // -1 where the set lacks the key.
  [[nodiscard]] int64_t Rank(T key) const {
    const Page* const page = slots_[SlotOf(key >> kPageBits)].page;
    if (page == nullptr) return -1;
    const size_t word = WordOf(key);
    if ((page->words[word] & BitOf(key)) == 0) return -1;
    return page->first_rank + page->before[word] +
           std::popcount(page->words[word] & (BitOf(key) - 1));
  }

  // Puts all pages into the slots.
  void Place() {
    std::ranges::fill(slots_, Slot());
    for (const auto& page : pages_) slots_[SlotOf(page->number)] = {page->number, page.get()};
  }

  Page& PageOf(T key) {
    const T number = key >> kPageBits;
    const size_t slot = SlotOf(number);
    if (slots_[slot].page == nullptr) {
      pages_.push_back(std::make_unique<Page>(number));
      if (pages_.size() * 2 > slots_.size()) {
        slots_.resize(slots_.size() * 2);
        Place();
      } else {
        slots_[slot] = {number, pages_.back().get()};
      }
      return *pages_.back();
    }
    return *slots_[slot].page;
  }

  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<Slot> slots_ = std::vector<Slot>(64);  // a power of two
  int64_t size_ = 0;
};

}  // namespace sheaf
