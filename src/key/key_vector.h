// Keys in comparable form: one value a row whose plain comparison is the order of the key.
//
// A key of up to 8 bytes is one 64-bit number, of up to 16 bytes one 128-bit number, any other a byte
// string compared by memcmp. Rows of different tables compare directly, whatever their Arrow types.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sheaf {

__extension__ using Uint128 = unsigned __int128;

/// The keys of a run of rows. Cheap to move; byte strings may point into buffers that it keeps alive.
class KeyVector {
 public:
  using Words = std::vector<uint64_t>;
  using WideWords = std::vector<Uint128>;
  using Strings = std::vector<std::string_view>;
  using Values = std::variant<Words, WideWords, Strings>;

  KeyVector() = default;
  explicit KeyVector(Values values, std::shared_ptr<const void> owner = nullptr)
      : values_(std::move(values)), owner_(std::move(owner)) {}

  [[nodiscard]] const Values& values() const { return values_; }
  [[nodiscard]] int64_t size() const;
  /// Bytes held, shared buffers left out.
  [[nodiscard]] int64_t bytes() const;

  /// The first row that sorts before the row in front of it; size() where all ascend.
  [[nodiscard]] int64_t FirstOutOfOrder() const;

  /// Where each run of equal keys starts.
  [[nodiscard]] std::vector<int64_t> RunStarts() const;

  /// The rows at `indices`, copied: independent of the buffers of this vector.
  [[nodiscard]] KeyVector Take(const std::vector<int64_t>& indices) const;

 private:
  Values values_;
  std::shared_ptr<const void> owner_;
};

/// Three-way comparison of row `i` of `a` with row `j` of `b`: below, equal to or above zero.
/// Both must have the same form, that is, come from encoders of the same columns.
int CompareKeys(const KeyVector& a, int64_t i, const KeyVector& b, int64_t j);

/// Collects keys into one vector that owns its bytes.
class KeyVectorBuilder {
 public:
  /// Appends rows [begin, end) of `keys`; all calls take the same form.
  void Append(const KeyVector& keys, int64_t begin, int64_t end);
  [[nodiscard]] int64_t size() const { return size_; }
  /// The keys so far; the builder is empty again.
  KeyVector Finish();

 private:
  KeyVector::Values numbers_;  // the numeric forms; for strings only the alternative in use
  std::string bytes_;
  std::vector<size_t> ends_;
  int64_t size_ = 0;
};

}  // namespace sheaf
