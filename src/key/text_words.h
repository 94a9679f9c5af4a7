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
  uint64_t word = 0;
  std::memcpy(&word, text.data() + begin, std::min(sizeof(word), text.size() - begin));
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

}  // namespace sheaf
