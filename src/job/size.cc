#include "job/size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "sheaf/error.h"

namespace sheaf {
namespace {

struct Unit {
  std::string_view name;
  int64_t bytes;
};

constexpr std::array<Unit, 10> kUnits = {{{"", 1},
                                          {"b", 1},
                                          {"kb", 1'000},
                                          {"mb", 1'000'000},
                                          {"gb", 1'000'000'000},
                                          {"tb", 1'000'000'000'000},
                                          {"kib", int64_t{1} << 10},
                                          {"mib", int64_t{1} << 20},
                                          {"gib", int64_t{1} << 30},
                                          {"tib", int64_t{1} << 40}}};

arrow::Status NotASize() {
  return MakeError(ErrorKind::kJob, R"(must be a size such as "256MiB", "1GB" or 1048576)");
}

std::string UnitWord(std::string_view text) {
  std::string word;
  for (const char c : text) {
    if (c != ' ') word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word;
}

/// Whole numbers keep every digit; fractions such as 1.5GiB are rounded to a byte.
arrow::Result<int64_t> Multiply(std::string_view digits, int64_t unit) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const char* end = digits.data() + digits.size();
  if (digits.find('.') == std::string_view::npos) {
    int64_t value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc() || stop != end || value > kMax / unit) return NotASize();
    return value * unit;
  }
  double value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), end, value, std::chars_format::fixed);
  const double bytes = value * static_cast<double>(unit);
  if (error != std::errc() || stop != end || !(bytes < 9.2e18)) return NotASize();
  return std::llround(bytes);
}

}  // namespace

arrow::Result<int64_t> ParseSize(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  if (digits == 0) return NotASize();
  const std::string word = UnitWord(text.substr(digits));
  const auto* unit = std::ranges::find(kUnits, word, &Unit::name);
  if (unit == kUnits.end()) return NotASize();
  return Multiply(text.substr(0, digits), unit->bytes);
}

std::string FormatSize(int64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t power = 0;
  while (bytes != 0 && bytes % 1024 == 0 && power + 1 < kNames.size()) {
    bytes /= 1024;
    ++power;
  }
  return fmt::format("{}{}", bytes, kNames[power]);
}

}  // namespace sheaf
