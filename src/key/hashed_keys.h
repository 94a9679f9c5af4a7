// Distinct keys of any form, in a hash table that knows their ranks.
#pragma once

#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "key/key_vector.h"

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
template <typename T>
class HashedKeys {
 public:
  using Key = T;

  void Add(const T& key) {
    if ((keys_.size() + 1) * 2 > slots_.size()) Grow();
    const size_t slot = Slot(key);
    if (slots_[slot] != kEmpty) return;
    slots_[slot] = static_cast<uint32_t>(keys_.size());
    if constexpr (std::is_same_v<T, std::string_view>) {
      keys_.push_back(arena_.Keep(key));
    } else {
      keys_.push_back(key);
    }
  }

  /// After the last Add(), before the first Rank().
  void Sort() {
    std::sort(keys_.begin(), keys_.end());
    std::ranges::fill(slots_, kEmpty);
    for (size_t rank = 0; rank < keys_.size(); ++rank) {
      *EmptySlot(keys_[rank]) = static_cast<uint32_t>(rank);
    }
  }

  /// Forgets the greater half of the keys.
  void KeepSmallerHalf() {
    std::vector<T> keys = std::exchange(keys_, {});
    const KeyArena arena = std::exchange(arena_, {});
    slots_ = {};
    const auto middle = keys.begin() + std::ssize(keys) / 2;
    std::nth_element(keys.begin(), middle, keys.end());
    std::for_each(keys.begin(), middle, [this](const T& key) { Add(key); });
  }

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(keys_.size()); }
  [[nodiscard]] int64_t bytes() const {
    return static_cast<int64_t>(keys_.capacity() * sizeof(T) + slots_.size() * sizeof(uint32_t)) +
           arena_.bytes();
  }

  /// -1 where the set lacks the key.
  [[nodiscard]] int64_t Rank(const T& key) const {
    const uint32_t rank = slots_.empty() ? kEmpty : slots_[Slot(key)];
    return rank == kEmpty ? -1 : static_cast<int64_t>(rank);
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

  static uint64_t Hash(const T& key) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      return XXH3_64bits(key.data(), key.size());
    } else {
      return XXH3_64bits(&key, sizeof(key));
    }
  }

  // The slot that leads to the key, or the empty one where it belongs.
  [[nodiscard]] size_t Slot(const T& key) const {
    size_t i = Hash(key) & (slots_.size() - 1);
    while (slots_[i] != kEmpty && keys_[slots_[i]] != key) i = (i + 1) & (slots_.size() - 1);
    return i;
  }

  uint32_t* EmptySlot(const T& key) {
    size_t i = Hash(key) & (slots_.size() - 1);
    while (slots_[i] != kEmpty) i = (i + 1) & (slots_.size() - 1);
    return &slots_[i];
  }

  void Grow() {
    slots_.assign(std::max<size_t>(1024, slots_.size() * 2), kEmpty);
    for (size_t k = 0; k < keys_.size(); ++k) *EmptySlot(keys_[k]) = static_cast<uint32_t>(k);
  }

  std::vector<T> keys_;
  std::vector<uint32_t> slots_;
  KeyArena arena_;
};

}  // namespace sheaf
