#include "key/key_vector.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace sheaf {
namespace {

template <typename Vector>
constexpr bool kIsStrings = std::is_same_v<std::decay_t<Vector>, KeyVector::Strings>;

}  // namespace

int64_t KeyVector::size() const {
  return std::visit([](const auto& v) { return static_cast<int64_t>(v.size()); }, values_);
}

int64_t KeyVector::bytes() const {
  return std::visit(
      [](const auto& v) {
        return static_cast<int64_t>(v.capacity() *
                                    sizeof(typename std::decay_t<decltype(v)>::value_type));
      },
      values_);
}

int64_t KeyVector::FirstOutOfOrder() const {
  return std::visit(
      [](const auto& v) {
        return static_cast<int64_t>(std::is_sorted_until(v.begin(), v.end()) - v.begin());
      },
      values_);
}

std::vector<int64_t> KeyVector::RunStarts() const {
  return std::visit(
      [](const auto& v) {
        std::vector<int64_t> starts;
        for (size_t i = 0; i < v.size(); ++i) {
          if (i == 0 || v[i] != v[i - 1]) starts.push_back(static_cast<int64_t>(i));
        }
        return starts;
      },
      values_);
}

KeyVector KeyVector::Take(const std::vector<int64_t>& indices) const {
  KeyVectorBuilder builder;
  for (const int64_t i : indices) builder.Append(*this, i, i + 1);
  return builder.Finish();
}

int CompareKeys(const KeyVector& a, int64_t i, const KeyVector& b, int64_t j) {
  return std::visit(
      [&](const auto& left) {
        const auto& right = std::get<std::decay_t<decltype(left)>>(b.values());
        const auto& x = left[static_cast<size_t>(i)];
        const auto& y = right[static_cast<size_t>(j)];
        if (x < y) return -1;
        return y < x ? 1 : 0;
      },
      a.values());
}

void KeyVectorBuilder::Append(const KeyVector& keys, int64_t begin, int64_t end) {
  std::visit(
      [&](const auto& from) {
        using Vector = std::decay_t<decltype(from)>;
        if (!std::holds_alternative<Vector>(numbers_)) numbers_ = Vector();
        if constexpr (kIsStrings<Vector>) {
          for (int64_t i = begin; i < end; ++i) {
            bytes_.append(from[static_cast<size_t>(i)]);
            ends_.push_back(bytes_.size());
          }
        } else {
          auto& to = std::get<Vector>(numbers_);
          to.insert(to.end(), from.begin() + begin, from.begin() + end);
        }
      },
      keys.values());
  size_ += end - begin;
}

KeyVector KeyVectorBuilder::Finish() {
  size_ = 0;
  if (!std::holds_alternative<KeyVector::Strings>(numbers_)) {
    return KeyVector(std::exchange(numbers_, KeyVector::Values()));
  }
  auto owner = std::make_shared<const std::string>(std::exchange(bytes_, std::string()));
  KeyVector::Strings views;
  views.reserve(ends_.size());
  size_t start = 0;
  for (const size_t end : std::exchange(ends_, {})) {
    views.emplace_back(owner->data() + start, end - start);
    start = end;
  }
  return KeyVector(std::move(views), std::move(owner));
}

}  // namespace sheaf
