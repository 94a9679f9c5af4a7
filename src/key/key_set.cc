#include "key/key_set.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sheaf {

arrow::Status KeySet::FirstRanks(const KeyBounds& ranges, std::vector<int64_t>* ranks) const {
  ranks->clear();
  if (ranges.ranges() > 1) ARROW_RETURN_NOT_OK(Ranks(ranges.bounds(), ranks));
  ranks->insert(ranks->begin(), 0);
  ranks->push_back(size());
  return arrow::Status::OK();
}

namespace {

// ---- No key at all: of no form, so that it meets keys of any

class EmptyKeySet final : public KeySet {
 public:
  [[nodiscard]] int64_t size() const override { return 0; }
  [[nodiscard]] int64_t bytes() const override { return 0; }
  arrow::Status Ranks(const KeyVector& keys, std::vector<int64_t>* ranks) const override {
    ranks->assign(static_cast<size_t>(keys.size()), -1);
    return arrow::Status::OK();
  }
};

// ---- Dense integers: bits in pages

constexpr int kPageBits = 16;
constexpr size_t kWordsPerPage = (size_t{1} << kPageBits) / 64;
// A directory of at most this many pages, 8 MiB of pointers, spans keys 2^36 apart.
constexpr uint64_t kMaxPages = uint64_t{1} << 20;
// Pages with fewer keys than this on average take more memory than a hash table.
constexpr int64_t kMinKeysPerPage = 256;

struct Page {
  std::array<uint64_t, kWordsPerPage> words{};
  std::array<uint32_t, kWordsPerPage> before{};  // keys of this page before each word
  int64_t first_rank = 0;                        // keys of the set before this page
};

struct PageDirectory {
  uint64_t first = 0;  // the number of pages[0]
  std::vector<std::unique_ptr<Page>> pages;
  int64_t used = 0;

  // The page of a key; null where it would make the directory too large.
  Page* Find(uint64_t key) {
    const uint64_t number = key >> kPageBits;
    if (number - first >= pages.size() && !Span(number)) return nullptr;
    auto& page = pages[number - first];
    if (page == nullptr) {
      page = std::make_unique<Page>();
      ++used;
    }
    return page.get();
  }

  // Calls `visit` with every key, ascending.
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (size_t p = 0; p < pages.size(); ++p) {
      if (pages[p] == nullptr) continue;
      for (size_t w = 0; w < kWordsPerPage; ++w) {
        for (uint64_t bits = pages[p]->words[w]; bits != 0; bits &= bits - 1) {
          visit(((first + p) << kPageBits) + w * 64 +
                static_cast<uint64_t>(std::countr_zero(bits)));
        }
      }
    }
  }

  // Extends the directory so that it has a place for page `number`.
  bool Span(uint64_t number) {
    if (pages.empty()) first = number;
    const uint64_t low = std::min(first, number);
    const uint64_t high = std::max(first + pages.size(), number + 1);
    if (high - low > kMaxPages) return false;
    if (low < first) {
      std::vector<std::unique_ptr<Page>> longer(first - low);
      std::ranges::move(pages, std::back_inserter(longer));
      pages = std::move(longer);
      first = low;
    }
    pages.resize(high - low);
    return true;
  }
};

class PagedKeySet final : public KeySet {
 public:
  explicit PagedKeySet(PageDirectory directory) : directory_(std::move(directory)) {
    for (const auto& page : directory_.pages) {
      if (page == nullptr) continue;
      page->first_rank = size_;
      uint32_t count = 0;
      for (size_t w = 0; w < kWordsPerPage; ++w) {
        page->before[w] = count;
        count += static_cast<uint32_t>(std::popcount(page->words[w]));
      }
      size_ += count;
    }
  }

  [[nodiscard]] int64_t size() const override { return size_; }
  [[nodiscard]] int64_t bytes() const override {
    return directory_.used * static_cast<int64_t>(sizeof(Page)) +
           static_cast<int64_t>(directory_.pages.size() * sizeof(Page*));
  }

  arrow::Status Ranks(const KeyVector& keys, std::vector<int64_t>* ranks) const override {
    const auto& words = std::get<KeyVector::Words>(keys.values());
    ranks->resize(words.size());
    for (size_t i = 0; i < words.size(); ++i) (*ranks)[i] = Rank(words[i]);
    return arrow::Status::OK();
  }

 private:
  [[nodiscard]] int64_t Rank(uint64_t key) const {
    const uint64_t number = (key >> kPageBits) - directory_.first;
    if (number >= directory_.pages.size() || directory_.pages[number] == nullptr) return -1;
    const Page& page = *directory_.pages[number];
    const size_t word = (key >> 6) % kWordsPerPage;
    const uint64_t bit = uint64_t{1} << (key % 64);
    if ((page.words[word] & bit) == 0) return -1;
    return page.first_rank + page.before[word] + std::popcount(page.words[word] & (bit - 1));
  }

  PageDirectory directory_;
  int64_t size_ = 0;
};

// ---- Any other keys: a hash table

uint64_t Hash(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }
uint64_t Hash(uint64_t key) { return XXH3_64bits(&key, sizeof(key)); }
uint64_t Hash(Uint128 key) { return XXH3_64bits(&key, sizeof(key)); }

// Owns the bytes of string keys, in blocks that never move.
class Arena {
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

template <typename T>
class HashKeySet final : public KeySet {
 public:
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

  // After the last Add: from here on a slot leads to a rank.
  void Sort() {
    std::sort(keys_.begin(), keys_.end());
    std::ranges::fill(slots_, kEmpty);
    for (size_t rank = 0; rank < keys_.size(); ++rank) {
      *EmptySlot(keys_[rank]) = static_cast<uint32_t>(rank);
    }
  }

  [[nodiscard]] int64_t size() const override { return static_cast<int64_t>(keys_.size()); }
  [[nodiscard]] int64_t bytes() const override {
    return static_cast<int64_t>(keys_.capacity() * sizeof(T) + slots_.size() * sizeof(uint32_t)) +
           arena_.bytes();
  }

  arrow::Status Ranks(const KeyVector& keys, std::vector<int64_t>* ranks) const override {
    const auto& values = std::get<std::vector<T>>(keys.values());
    ranks->resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      // Rows of one key often follow each other.
      if (i > 0 && values[i] == values[i - 1]) {
        (*ranks)[i] = (*ranks)[i - 1];
        continue;
      }
      const uint32_t rank = slots_.empty() ? kEmpty : slots_[Slot(values[i])];
      (*ranks)[i] = rank == kEmpty ? -1 : static_cast<int64_t>(rank);
    }
    return arrow::Status::OK();
  }

  // The keys, ascending: a copy, for strings point into this set.
  KeyVector Sorted() {
    std::sort(keys_.begin(), keys_.end());
    KeyVectorBuilder copy;
    copy.Append(KeyVector(keys_), 0, size());
    return copy.Finish();
  }

 private:
  static constexpr uint32_t kEmpty = 0xFFFFFFFF;

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
  Arena arena_;
};

}  // namespace

// Starts with pages where keys are 64-bit numbers, and gives them up once they turn out sparse.
class KeySetBuilder::Impl {
 public:
  void Add(const KeyVector& keys) {
    std::visit([this](const auto& values) { AddValues(values); }, keys.values());
  }

  [[nodiscard]] int64_t bytes() const {
    const int64_t pages = directory_.used * static_cast<int64_t>(sizeof(Page));
    return pages + words_.bytes() + wide_words_.bytes() + strings_.bytes();
  }

  std::unique_ptr<KeySet> Finish() {
    if (strings_.size() > 0) return Sorted(std::move(strings_));
    if (wide_words_.size() > 0) return Sorted(std::move(wide_words_));
    if (!paged_) return Sorted(std::move(words_));
    if (paged_keys_ == 0) return std::make_unique<EmptyKeySet>();
    return std::make_unique<PagedKeySet>(std::move(directory_));
  }

  KeyVector FinishSorted() {
    if (strings_.size() > 0) return strings_.Sorted();
    if (wide_words_.size() > 0) return wide_words_.Sorted();
    if (!paged_) return words_.Sorted();
    KeyVector::Words keys;
    keys.reserve(static_cast<size_t>(paged_keys_));
    directory_.ForEach([&](uint64_t key) { keys.push_back(key); });
    return KeyVector(std::move(keys));
  }

 private:
  template <typename T>
  static std::unique_ptr<KeySet> Sorted(HashKeySet<T> set) {
    set.Sort();
    return std::make_unique<HashKeySet<T>>(std::move(set));
  }

  void AddValues(const KeyVector::Words& words) {
    for (const uint64_t word : words) {
      if (paged_ && !AddToPage(word)) LeavePages();
      if (!paged_) words_.Add(word);
    }
    if (paged_ && IsSparse()) LeavePages();
  }
  void AddValues(const KeyVector::WideWords& words) {
    for (const Uint128 word : words) wide_words_.Add(word);
  }
  void AddValues(const KeyVector::Strings& strings) {
    for (const std::string_view string : strings) strings_.Add(string);
  }

  bool AddToPage(uint64_t key) {
    Page* page = directory_.Find(key);
    if (page == nullptr) return false;
    uint64_t& word = page->words[(key >> 6) % kWordsPerPage];
    const uint64_t bit = uint64_t{1} << (key % 64);
    if ((word & bit) == 0) ++paged_keys_;
    word |= bit;
    return true;
  }

  [[nodiscard]] bool IsSparse() const {
    constexpr int64_t kPatience = 64;  // pages before the question is asked
    return directory_.used > kPatience && paged_keys_ / directory_.used < kMinKeysPerPage;
  }

  void LeavePages() {
    paged_ = false;
    directory_.ForEach([this](uint64_t key) { words_.Add(key); });
    directory_ = {};
  }

  bool paged_ = true;
  int64_t paged_keys_ = 0;
  PageDirectory directory_;
  HashKeySet<uint64_t> words_;
  HashKeySet<Uint128> wide_words_;
  HashKeySet<std::string_view> strings_;
};

KeySetBuilder::KeySetBuilder() : impl_(std::make_unique<Impl>()) {}
KeySetBuilder::~KeySetBuilder() = default;
void KeySetBuilder::Add(const KeyVector& keys) { impl_->Add(keys); }
int64_t KeySetBuilder::bytes() const { return impl_->bytes(); }
std::unique_ptr<KeySet> KeySetBuilder::Finish() { return impl_->Finish(); }
KeyVector KeySetBuilder::FinishSorted() { return impl_->FinishSorted(); }

}  // namespace sheaf
