// Distinct keys of any form, in a hash table that knows their ranks.
#pragma once

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "key/key_vector.h"
#include "key/text_words.h"

namespace sheaf {

/// Owns the bytes of string keys, in blocks that never move.
class KeyArena {
 public:
  std::string_view Keep(std::string_view key) {
    if (blocks_.empty() || blocks_.back().size() + key.size() > blocks_.back().capacity()) {
      blocks_.emplace_back();
      blocks_.back().reserve(std::max(kBlock, key.size()));
      bytes_ += static_cast<int64_t>(blocks_.back().capacity());
    }
    std::string& block = blocks_.back();
    block.append(key);
    return std::string_view(block).substr(block.size() - key.size());
  }
  [[nodiscard]] int64_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kBlock = size_t{1} << 16;
  std::vector<std::string> blocks_;
  int64_t bytes_ = 0;
};

/// `T`: the value of one key in a KeyVector.
///
/// A key is found by three looks at memory that are seldom in cache: its slot, its value, and the bytes of a text. So
/// keys are looked up many at a time: each look is made for all of a block before any takes the next, which lets the
/// processor wait for them together (Chen, Ailamaki, Gibbons, Mowry: "Improving Hash Join Performance through
/// Prefetching", 2004: group prefetching). The last look is a load: a prefetch may come to nothing where the TLB lacks
/// the page, as it does most of a large set's. A tag in the slot, of other bits of the hash, spares looks at other keys.
template <typename T>
class HashedKeys {
 public:
  using Key = T;

  void Add(const T& key) {
    MakeRoom(1);
    Add(key, Hash(key));
  }

  void Add(std::span<const T> keys) {
    ForEachBlock(keys, [this](std::span<const T> block, const Hashes& hashes, size_t /*begin*/) {
      MakeRoom(block.size());
      LookAhead(block.size(), hashes);
      for (size_t i = 0; i < block.size(); ++i) Add(block[i], hashes[i]);
    });
  }

  /// After the last Add(), before the first look for a rank.
  void Sort() {
    if (std::ranges::is_sorted(keys_)) return;  // numbers are ranks already
    SortKeys(&keys_);
    FillSlots();
  }

  /// Forgets the greater half of the keys.
  void KeepSmallerHalf() {
    std::vector<T> keys = std::exchange(keys_, {});
    const KeyArena arena = std::exchange(arena_, {});
    slots_ = {};
    const auto middle = keys.begin() + std::ssize(keys) / 2;
    std::nth_element(keys.begin(), middle, keys.end());
    Add(std::span<const T>(keys.begin(), middle));
  }

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(keys_.size()); }
  [[nodiscard]] int64_t bytes() const {
    return static_cast<int64_t>(keys_.capacity() * sizeof(T) + slots_.size() * sizeof(Slot)) +
           arena_.bytes();
  }

  /// Writes the rank of each key to `ranks`; -1 where the set lacks it.
  void Ranks(std::span<const T> keys, int64_t* ranks) const {
    if (slots_.empty()) {
      std::fill_n(ranks, keys.size(), -1);
      return;
    }
    ForEachBlock(keys, [&](std::span<const T> block, const Hashes& hashes, size_t begin) {
      LookAhead(block.size(), hashes);
      for (size_t i = 0; i < block.size(); ++i) {
        const uint32_t number = slots_[SlotOf(block[i], hashes[i])].number;
        ranks[begin + i] = number == kEmpty ? -1 : static_cast<int64_t>(number);
      }
    });
  }

  /// In the order of Add(), or ascending after Sort(). Texts point into this set.
  [[nodiscard]] const std::vector<T>& keys() const { return keys_; }

  /// Calls `visit` with every key, in the order of keys().
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    std::ranges::for_each(keys_, visit);
  }

 private:
  static constexpr uint32_t kEmpty = 0xFFFFFFFF;
  static constexpr size_t kBlock = 64;  // keys that are looked up together
  using Hashes = std::array<uint64_t, kBlock>;

  struct Slot {
    uint32_t number = kEmpty;  // of the key in keys_
    uint32_t tag = 0;
  };

  static uint64_t Hash(const T& key) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      return XXH3_64bits(key.data(), key.size());
    } else {
      return XXH3_64bits(&key, sizeof(key));
    }
  }
  // The lower bits lead to the slot.
  static uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

  template <typename Key>
  static void SortKeys(std::vector<Key>* keys) {
    std::ranges::sort(*keys);
  }

  // By numbers first: they stand together, and the bytes of texts anywhere.
  static void SortKeys(std::vector<std::string_view>* texts) {
    const auto [least, greatest] = std::ranges::minmax(*texts);
    const size_t shared = CommonPrefix(least, greatest);
    std::vector<std::pair<uint64_t, std::string_view>> words;
    words.reserve(texts->size());
    for (const std::string_view text : *texts) words.emplace_back(WordAt(text, shared), text);
    std::ranges::sort(words);
    std::ranges::transform(words, texts->begin(), [](const auto& word) { return word.second; });
  }

  template <typename Visit>
  static void ForEachBlock(std::span<const T> keys, const Visit& visit) {
    Hashes hashes;
    for (size_t begin = 0; begin < keys.size(); begin += kBlock) {
      const auto block = keys.subspan(begin, std::min(kBlock, keys.size() - begin));
      for (size_t i = 0; i < block.size(); ++i) hashes[i] = Hash(block[i]);
      visit(block, hashes, begin);
    }
  }

  // Brings what the look-up of these keys will look at.
  void LookAhead(size_t count, const Hashes& hashes) const {
    for (size_t i = 0; i < count; ++i) __builtin_prefetch(&slots_[hashes[i] & (slots_.size() - 1)]);
    std::array<uint32_t, kBlock> numbers;
    for (size_t i = 0; i < count; ++i) {
      size_t slot = hashes[i] & (slots_.size() - 1);
      while (slots_[slot].number != kEmpty && slots_[slot].tag != TagOf(hashes[i])) {
        slot = After(slot);
      }
      numbers[i] = slots_[slot].number;
      if (numbers[i] != kEmpty) __builtin_prefetch(&keys_[numbers[i]]);
    }
    if constexpr (std::is_same_v<T, std::string_view>) {
      int loaded = 0;
      for (size_t i = 0; i < count; ++i) {
        if (numbers[i] == kEmpty || keys_[numbers[i]].empty()) continue;
        loaded += keys_[numbers[i]].front() + keys_[numbers[i]].back();
      }
      asm volatile("" : : "r"(loaded));  // or the compiler would leave the loads out
    }
  }

  [[nodiscard]] size_t After(size_t slot) const { return (slot + 1) & (slots_.size() - 1); }

  // The slot that leads to the key, or the empty one where it belongs.
  [[nodiscard]] size_t SlotOf(const T& key, uint64_t hash) const {
    size_t slot = hash & (slots_.size() - 1);
    while (slots_[slot].number != kEmpty &&
           (slots_[slot].tag != TagOf(hash) || keys_[slots_[slot].number] != key)) {
      slot = After(slot);
    }
    return slot;
  }

  void Add(const T& key, uint64_t hash) {
    Slot& slot = slots_[SlotOf(key, hash)];
    if (slot.number != kEmpty) return;
    slot = {static_cast<uint32_t>(keys_.size()), TagOf(hash)};
    if constexpr (std::is_same_v<T, std::string_view>) {
      keys_.push_back(arena_.Keep(key));
    } else {
      keys_.push_back(key);
    }
  }

  // A third of the slots stays empty.
  void MakeRoom(size_t added) {
    const size_t wanted = (keys_.size() + added) * 3 / 2;
    if (wanted <= slots_.size()) return;
    slots_.resize(std::max<size_t>(1024, std::bit_ceil(wanted)));
    FillSlots();
  }

  // Leads to each key by its place in keys_.
  void FillSlots() {
    std::ranges::fill(slots_, Slot());
    for (size_t k = 0; k < keys_.size(); ++k) {
      const uint64_t hash = Hash(keys_[k]);
      size_t slot = hash & (slots_.size() - 1);
      while (slots_[slot].number != kEmpty) slot = After(slot);
      slots_[slot] = {static_cast<uint32_t>(k), TagOf(hash)};
    }
  }

  std::vector<T> keys_;
  std::vector<Slot> slots_;
  KeyArena arena_;
};

}  // namespace sheaf
