#include "key/key_set.h"

#include <string_view>
#include <type_traits>
#include <utility>

#include "key/hashed_keys.h"
#include "key/paged_keys.h"

namespace sheaf {

arrow::Status KeySet::FirstRanks(const KeyBounds& ranges, std::vector<int64_t>* ranks) const {
  ranks->clear();
  if (ranges.ranges() > 1) ARROW_RETURN_NOT_OK(Ranks(ranges.bounds(), ranks));
  ranks->insert(ranks->begin(), 0);
  ranks->push_back(size());
  return arrow::Status::OK();
}

namespace {

// No key at all: of no form, so that it meets keys of any.
class EmptyKeySet final : public KeySet {
 public:
  [[nodiscard]] int64_t size() const override { return 0; }
  [[nodiscard]] int64_t bytes() const override { return 0; }
  arrow::Status Ranks(const KeyVector& keys, std::vector<int64_t>* ranks) const override {
    ranks->assign(static_cast<size_t>(keys.size()), -1);
    return arrow::Status::OK();
  }
};

// The keys of `Keys`, PagedKeys<T> or HashedKeys<T>, which are sorted.
template <typename T, typename Keys>
class RankedKeySet final : public KeySet {
 public:
  explicit RankedKeySet(Keys keys) : keys_(std::move(keys)) {}

  [[nodiscard]] int64_t size() const override { return keys_.size(); }
  [[nodiscard]] int64_t bytes() const override { return keys_.bytes(); }
  arrow::Status Ranks(const KeyVector& keys, std::vector<int64_t>* ranks) const override {
    const auto& values = std::get<std::vector<T>>(keys.values());
    ranks->resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      // Rows of one key often follow each other.
      const bool repeats = i > 0 && values[i] == values[i - 1];
      (*ranks)[i] = repeats ? (*ranks)[i - 1] : keys_.Rank(values[i]);
    }
    return arrow::Status::OK();
  }

 private:
  const Keys keys_;
};

template <typename T, typename Keys>
std::unique_ptr<KeySet> Ranked(Keys keys) {
  keys.Sort();
  return std::make_unique<RankedKeySet<T, Keys>>(std::move(keys));
}

// Pages with fewer keys than the first on average take more memory than a hash table. Keys that fill pages may
// be followed by others that don't: fewer than the second, and the hash table has them again.
constexpr int64_t kMinKeysPerPage = 256;
constexpr int64_t kFewKeysPerPage = 128;

// Starts with a hash table. Whenever this has grown to twice its keys, it is asked whether they fill pages.
template <typename T>
class NumberCollector {
 public:
  void Add(const std::vector<T>& keys) {
    for (const T& key : keys) {
      if (is_paged_) {
        AddToPage(key);
      } else {
        hashed_.Add(key);
        if (hashed_.size() == next_look_) Look();
      }
    }
  }

  [[nodiscard]] int64_t size() const { return is_paged_ ? paged_.size() : hashed_.size(); }
  [[nodiscard]] int64_t bytes() const { return is_paged_ ? paged_.bytes() : hashed_.bytes(); }

  std::unique_ptr<KeySet> Finish() {
    if (is_paged_) return Ranked<T>(std::move(paged_));
    return Ranked<T>(std::move(hashed_));
  }

  KeyVector FinishSorted() {
    if (!is_paged_) {
      hashed_.Sort();
      return KeyVector(hashed_.keys());
    }
    paged_.Sort();
    std::vector<T> keys;
    keys.reserve(static_cast<size_t>(paged_.size()));
    paged_.ForEach([&keys](T key) { keys.push_back(key); });
    return KeyVector(std::move(keys));
  }

 private:
  void Look() {
    next_look_ *= 2;
    const int64_t most = hashed_.size() / kMinKeysPerPage;
    HashedKeys<T> pages;
    for (const T& key : hashed_.keys()) {
      pages.Add(key >> PagedKeys<T>::kPageBits);
      if (pages.size() > most) return;
    }
    for (const T& key : hashed_.keys()) paged_.Add(key);
    hashed_ = {};
    is_paged_ = true;
  }

  void AddToPage(const T& key) {
    const int64_t pages = paged_.pages();
    paged_.Add(key);
    if (paged_.pages() == pages || paged_.size() / paged_.pages() >= kFewKeysPerPage) return;
    paged_.ForEach([this](T other) { hashed_.Add(other); });
    paged_ = {};
    is_paged_ = false;
    while (next_look_ <= hashed_.size()) next_look_ *= 2;
  }

  HashedKeys<T> hashed_;
  PagedKeys<T> paged_;
  bool is_paged_ = false;
  int64_t next_look_ = 4096;  // keys
};

}  // namespace

class KeySetBuilder::Impl {
 public:
  void Add(const KeyVector& keys) {
    std::visit(
        [this](const auto& values) {
          using Values = std::decay_t<decltype(values)>;
          if constexpr (std::is_same_v<Values, KeyVector::Strings>) {
            for (const std::string_view string : values) strings_.Add(string);
          } else if constexpr (std::is_same_v<Values, KeyVector::WideWords>) {
            wide_words_.Add(values);
          } else {
            words_.Add(values);
          }
        },
        keys.values());
  }

  [[nodiscard]] int64_t bytes() const {
    return words_.bytes() + wide_words_.bytes() + strings_.bytes();
  }

  std::unique_ptr<KeySet> Finish() {
    if (strings_.size() > 0) return Ranked<std::string_view>(std::move(strings_));
    if (wide_words_.size() > 0) return wide_words_.Finish();
    if (words_.size() > 0) return words_.Finish();
    return std::make_unique<EmptyKeySet>();
  }

  KeyVector FinishSorted() {
    if (wide_words_.size() > 0) return wide_words_.FinishSorted();
    if (strings_.size() == 0) return words_.FinishSorted();
    strings_.Sort();
    KeyVectorBuilder copy;
    copy.Append(KeyVector(strings_.keys()), 0, strings_.size());
    return copy.Finish();
  }

 private:
  NumberCollector<uint64_t> words_;
  NumberCollector<Uint128> wide_words_;
  HashedKeys<std::string_view> strings_;
};

KeySetBuilder::KeySetBuilder() : impl_(std::make_unique<Impl>()) {}
KeySetBuilder::~KeySetBuilder() = default;
void KeySetBuilder::Add(const KeyVector& keys) { impl_->Add(keys); }
int64_t KeySetBuilder::bytes() const { return impl_->bytes(); }
std::unique_ptr<KeySet> KeySetBuilder::Finish() { return impl_->Finish(); }
KeyVector KeySetBuilder::FinishSorted() { return impl_->FinishSorted(); }

}  // namespace sheaf
