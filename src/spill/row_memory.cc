#include "spill/row_memory.h"

#include <arrow/status.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace sheaf {
namespace {

constexpr int64_t kUnit = int64_t{16} << 10;  // spans are multiples of it
constexpr int64_t kRegion = int64_t{256}
                            << 20;  // of addresses: what is never touched costs nothing
// So much may be free and touched before the kernel gets it back; at a large run's size, more.
constexpr int64_t kMaxUnused = int64_t{16} << 20;
constexpr int64_t kMaxUnusedPart = 8;

// The sanitizers of the tests find out more where every block comes and goes by itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kRecycles = false;
#else
constexpr bool kRecycles = true;
#endif

bool IsSmall(int64_t size) { return !kRecycles || size <= kUnit / 2; }

int64_t SpanSize(int64_t size) { return (size + kUnit - 1) / kUnit * kUnit; }

// Spans of memory that are free. Those that touch are one.
class FreeSpans {
 public:
  void Insert(uint8_t* span, int64_t size) {
    bytes_ += size;
    auto next = sizes_.upper_bound(span);
    if (next != sizes_.begin()) {
      const auto last = std::prev(next);
      if (last->first + last->second == span) {
        span = last->first;
        size += last->second;
        Erase(last);
      }
    }
    if (next != sizes_.end() && span + size == next->first) {
      size += next->second;
      next = Erase(next);
    }
    sizes_.emplace_hint(next, span, size);
    by_size_.emplace(size, span);
  }

  // From the smallest span that is large enough; null where none is.
  uint8_t* Take(int64_t size) {
    const auto fitting = by_size_.lower_bound({size, nullptr});
    if (fitting == by_size_.end()) return nullptr;
    const auto [span, span_size] = Remove(fitting);
    if (span_size > size) Insert(span + size, span_size - size);
    return span;
  }

  // And its size. There must be one.
  std::pair<uint8_t*, int64_t> TakeLargest() { return Remove(std::prev(by_size_.end())); }

  [[nodiscard]] int64_t bytes() const { return bytes_; }

 private:
  using Sizes = std::map<uint8_t*, int64_t>;
  using BySize = std::set<std::pair<int64_t, uint8_t*>>;

  std::pair<uint8_t*, int64_t> Remove(BySize::iterator which) {
    const auto [size, span] = *which;
    Erase(sizes_.find(span));
    bytes_ -= size;
    return {span, size};
  }

  Sizes::iterator Erase(Sizes::iterator span) {
    by_size_.erase({span->second, span->first});
    return sizes_.erase(span);
  }

  Sizes sizes_;
  BySize by_size_;
  int64_t bytes_ = 0;
};

// Spans cut from regions that are never unmapped.
class SpanHeap {
 public:
  // Null where the system has no more.
  uint8_t* Take(int64_t size) {
    uint8_t* span = warm_.Take(size);
    if (span == nullptr) {
      if (warm_.bytes() > std::max(kMaxUnused, used_ / kMaxUnusedPart)) Cool(size);
      span = cold_.Take(size);
    }
    if (span == nullptr && AddRegion(size)) span = cold_.Take(size);
    if (span != nullptr) used_ += size;
    return span;
  }

  void Free(uint8_t* span, int64_t size) {
    used_ -= size;
    warm_.Insert(span, size);
  }

  // Gives the kernel the pages of so many bytes that are free, or a little more. Of the largest spans: small ones
  // are wanted more often.
  void Cool(int64_t bytes) {
    while (bytes > 0 && warm_.bytes() > 0) {
      const auto [span, size] = warm_.TakeLargest();
      ::madvise(span, static_cast<size_t>(size), MADV_DONTNEED);
      cold_.Insert(span, size);
      bytes -= size;
    }
  }

 private:
  bool AddRegion(int64_t size) {
    size = std::max(size, kRegion);
    void* region = ::mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) return false;
    cold_.Insert(static_cast<uint8_t*>(region), size);
    return true;
  }

  FreeSpans warm_;  // touched: what is taken from here faults no more
  FreeSpans cold_;
  int64_t used_ = 0;
};

class RecyclingPool final : public arrow::MemoryPool {
 public:
  using arrow::MemoryPool::Allocate;
  using arrow::MemoryPool::Free;
  using arrow::MemoryPool::Reallocate;

  arrow::Status Allocate(int64_t size, int64_t alignment, uint8_t** out) override {
    if (IsSmall(size)) {
      ARROW_RETURN_NOT_OK(small_->Allocate(size, alignment, out));
    } else {
      const std::lock_guard lock(mutex_);
      *out = heap_.Take(SpanSize(size));
      if (*out == nullptr) {
        return arrow::Status::OutOfMemory("no memory for ", size, " bytes of rows");
      }
    }
    Count(size);
    ++num_allocations_;
    return arrow::Status::OK();
  }

  arrow::Status Reallocate(int64_t old_size, int64_t new_size, int64_t alignment,
                           uint8_t** ptr) override {
    uint8_t* moved = nullptr;
    ARROW_RETURN_NOT_OK(Allocate(new_size, alignment, &moved));
    std::memcpy(moved, *ptr, static_cast<size_t>(std::min(old_size, new_size)));
    Free(*ptr, old_size, alignment);
    *ptr = moved;
    return arrow::Status::OK();
  }

  void Free(uint8_t* buffer, int64_t size, int64_t alignment) override {
    Count(-size);
    if (IsSmall(size)) {
      small_->Free(buffer, size, alignment);
      return;
    }
    const std::lock_guard lock(mutex_);
    heap_.Free(buffer, SpanSize(size));
  }

  void ReleaseUnused() override {
    const std::lock_guard lock(mutex_);
    heap_.Cool(std::numeric_limits<int64_t>::max());
    small_->ReleaseUnused();
  }

  [[nodiscard]] int64_t bytes_allocated() const override { return bytes_; }
  [[nodiscard]] int64_t max_memory() const override { return max_bytes_; }
  [[nodiscard]] int64_t total_bytes_allocated() const override { return total_bytes_; }
  [[nodiscard]] int64_t num_allocations() const override { return num_allocations_; }
  [[nodiscard]] std::string backend_name() const override { return "sheaf"; }

 private:
  void Count(int64_t size) {
    const int64_t now = bytes_ += size;
    if (size > 0) total_bytes_ += size;
    int64_t max = max_bytes_;
    while (now > max && !max_bytes_.compare_exchange_weak(max, now)) {
    }
  }

  arrow::MemoryPool* const small_ = arrow::default_memory_pool();
  std::mutex mutex_;
  SpanHeap heap_;  // guarded by mutex_
  std::atomic<int64_t> bytes_ = 0;
  std::atomic<int64_t> max_bytes_ = 0;
  std::atomic<int64_t> total_bytes_ = 0;
  std::atomic<int64_t> num_allocations_ = 0;
};

}  // namespace

arrow::MemoryPool* RowMemory() {
  static auto* const kPool = new RecyclingPool();  // never destroyed: batches may outlive main()
  return kPool;
}

}  // namespace sheaf
