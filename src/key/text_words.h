// Texts as numbers: eight bytes behind what all of them begin with tell most texts apart, without a look at memory
// that is seldom in cache.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sheaf {

/// How many bytes both begin with.
inline size_t CommonPrefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

/// The eight bytes of a text from `begin` on, at most its size, as a number in the order of texts; a text that ends
/// before has zeros there. Texts with the same bytes before and the same number may still differ.
inline uint64_t WordAt(std::string_view text, size_t begin) {
  constexpr size_t kBytes = sizeof(uint64_t);
  const auto word_at = [&](size_t at) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, kBytes);
    return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
  };
  const size_t left = text.size() - begin;
  if (left >= kBytes) return word_at(begin);
  if (left == 0) return 0;
  const size_t beyond = 8 * (kBytes - left);  // bits
  // A copy of just these bytes would go through memory, which takes longer to read than what was not just written.
  if (text.size() >= kBytes) return word_at(text.size() - kBytes) << beyond;
  uint64_t word = 0;
  for (const char byte : text.substr(begin)) word = word << 8 | static_cast<uint8_t>(byte);
  return word << beyond;
}

}  // namespace sheaf
