#include "key/key_set.h"

#include <span>
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

// The keys of `Keys`, PagedKeys or HashedKeys, which are sorted.
template <typename Keys>
class RankedKeySet final : public KeySet {
 public:
  explicit RankedKeySet(Keys keys) : keys_(std::move(keys)) {}

  [[nodiscard]] int64_t size() const override { return keys_.size(); }
  [[nodiscard]] int64_t bytes() const override { return keys_.bytes(); }
  arrow::Status Ranks(const KeyVector& keys, std::vector<int64_t>* ranks) const override {
    const auto& values = std::get<std::vector<typename Keys::Key>>(keys.values());
    ranks->resize(values.size());
    keys_.Ranks(values, ranks->data());
    return arrow::Status::OK();
  }

 private:
  const Keys keys_;
};

// Of the keys, ascending, every `step`-th and the last.
template <typename Keys>
KeyVector Every(int64_t step, Keys* keys) {
  keys->Sort();
  std::vector<typename Keys::Key> some;
  int64_t seen = 0;
  keys->ForEach([&](const auto& key) {
    ++seen;
    if (seen % step == 0 || seen == keys->size()) some.push_back(key);
  });
  const auto count = std::ssize(some);
  KeyVectorBuilder copy;  // texts point into `keys`
  copy.Append(KeyVector(std::move(some)), 0, count);
  return copy.Finish();
}

// Pages with fewer keys than the first on average take more memory than a hash table. Keys that fill pages may
// be followed by others that don't: fewer than the second, and the hash table has them again.
constexpr int64_t kMinKeysPerPage = 256;
constexpr int64_t kFewKeysPerPage = 128;

// Starts with a hash table. Whenever this has grown to twice its keys, it is asked whether they fill pages.
template <typename T>
class NumberCollector {
 public:
  void Add(std::span<const T> keys) {
    constexpr size_t kAhead = PagedKeys<T>::kAhead;
    for (; is_paged_ && !keys.empty(); keys = keys.subspan(1)) {
      if (keys.size() > kAhead) __builtin_prefetch(paged_.PlaceOf(keys[kAhead]), /*rw=*/1);
      AddToPage(keys.front());
    }
    if (keys.empty()) return;
    hashed_.Add(keys);
    if (hashed_.size() >= next_look_) Look();
  }

  [[nodiscard]] int64_t size() const { return is_paged_ ? paged_.size() : hashed_.size(); }
  [[nodiscard]] int64_t bytes() const { return is_paged_ ? paged_.bytes() : hashed_.bytes(); }

  // Calls `act` with the keys as they stand.
  template <typename Act>
  auto With(const Act& act) {
    return is_paged_ ? act(&paged_) : act(&hashed_);
  }

 private:
  void Look() {
    next_look_ = 2 * hashed_.size();
    const int64_t most = hashed_.size() / kMinKeysPerPage;
    HashedKeys<T> pages;
    for (const T& key : hashed_.keys()) {
      pages.Add(key >> PagedKeys<T>::kPageBits);
      if (pages.size() > most) return;
    }
    hashed_.ForEach([this](T key) { paged_.Add(key); });
    hashed_ = {};
    is_paged_ = true;
  }

  void AddToPage(T key) {
    const int64_t pages = paged_.pages();
    paged_.Add(key);
    if (paged_.pages() == pages || paged_.size() / paged_.pages() >= kFewKeysPerPage) return;
    paged_.ForEach([this](T other) { hashed_.Add(other); });
    paged_ = {};
    is_paged_ = false;
    next_look_ = 2 * hashed_.size();
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
    std::visit([this](const auto& values) { AddValues(values); }, keys.values());
  }

  [[nodiscard]] int64_t size() const { return words_.size() + wide_words_.size() + texts_.size(); }
  [[nodiscard]] int64_t bytes() const {
    return words_.bytes() + wide_words_.bytes() + texts_.bytes();
  }

  // Calls `act` with the keys of the form that was added.
  template <typename Act>
  auto With(const Act& act) {
    if (texts_.size() > 0) return act(&texts_);
    return wide_words_.size() > 0 ? wide_words_.With(act) : words_.With(act);
  }

 private:
  void AddValues(const KeyVector::Words& words) { words_.Add(words); }
  void AddValues(const KeyVector::WideWords& words) { wide_words_.Add(words); }
  void AddValues(const KeyVector::Strings& texts) { texts_.Add(texts); }

  NumberCollector<uint64_t> words_;
  NumberCollector<Uint128> wide_words_;
  HashedKeys<std::string_view> texts_;
};

KeySetBuilder::KeySetBuilder() : impl_(std::make_unique<Impl>()) {}
KeySetBuilder::~KeySetBuilder() = default;
void KeySetBuilder::Add(const KeyVector& keys) { impl_->Add(keys); }
int64_t KeySetBuilder::size() const { return impl_->size(); }
int64_t KeySetBuilder::bytes() const { return impl_->bytes(); }

std::unique_ptr<KeySet> KeySetBuilder::Finish() {
  if (size() == 0) return std::make_unique<EmptyKeySet>();
  return impl_->With([](auto* keys) -> std::unique_ptr<KeySet> {
    keys->Sort();
    return std::make_unique<RankedKeySet<std::decay_t<decltype(*keys)>>>(std::move(*keys));
  });
}

KeyVector KeySetBuilder::FinishEvery(int64_t step) {
  return impl_->With([step](auto* keys) { return Every(step, keys); });
}

KeyVector KeySetBuilder::KeepSmallerHalf() {
  return impl_->With([](auto* keys) {
    keys->KeepSmallerHalf();
    return Every(keys->size(), keys);
  });
}

}  // namespace sheaf
