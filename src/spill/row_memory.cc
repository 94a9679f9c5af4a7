#include "spill/row_memory.h"

#include <arrow/status.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>

#include "spill/free_spans.h"
#include "spill/huge_page_choice.h"

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

int64_t Multiple(int64_t size, int64_t of) { return (size + of - 1) / of * of; }

int64_t SpanSize(int64_t size) { return Multiple(size, kUnit); }

// Untouched memory, of a huge page at least.
struct Slabs {
  uint8_t* begin = nullptr;
  int64_t size = 0;
  bool huge = false;
};

// Touches each page, where they are huge; small ones are left to whoever writes them. How long one takes.
std::chrono::steady_clock::duration Touch(const Slabs& slabs) {
  const auto start = std::chrono::steady_clock::now();
  ::madvise(slabs.begin, static_cast<size_t>(slabs.size),
            slabs.huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  if (!slabs.huge) return {};
  for (int64_t at = 0; at < slabs.size; at += kHugePage) {
    *static_cast<volatile uint8_t*>(slabs.begin + at) = 0;
  }
  return (std::chrono::steady_clock::now() - start) / (slabs.size / kHugePage);
}

// Spans cut from regions that are never unmapped.
class SpanHeap {
 public:
  // From what is touched; null where nothing fits.
  uint8_t* Take(int64_t size) {
    uint8_t* span = warm_.Take(size);
    if (span == nullptr && warm_.bytes() > std::max(kMaxUnused, used_ / kMaxUnusedPart)) {
      Cool(Multiple(size, kHugePage));
    }
    if (span != nullptr) used_ += size;
    return span;
  }

  // Null where the system has no more.
  Slabs TakeUntouched(int64_t size) {
    Slabs slabs{.size = Multiple(size, kHugePage)};
    slabs.begin = cold_slabs_.Take(slabs.size);
    if (slabs.begin == nullptr) {
      uint8_t* const piece = cold_pieces_.Take(size);
      if (piece != nullptr) return {.begin = piece, .size = size};
      if (AddRegion(slabs.size)) slabs.begin = cold_slabs_.Take(slabs.size);
    }
    slabs.huge = slabs.begin != nullptr && huge_pages_.Next();
    return slabs;
  }

  // The first bytes of these slabs, of which each page took so long.
  uint8_t* TakeFirst(const Slabs& slabs, int64_t size, std::chrono::steady_clock::duration time) {
    if (slabs.huge) huge_pages_.Measured(time);
    if (slabs.size > size) warm_.Insert(slabs.begin + size, slabs.size - size);
    used_ += size;
    return slabs.begin;
  }

  void Free(uint8_t* span, int64_t size) {
    used_ -= size;
    warm_.Insert(span, size);
  }

  // Gives the kernel the pages of so many bytes that are free, or a little more. Of the largest spans: small ones
  // are wanted more often. And whole slabs, where there are: a huge page of which a part is given back is kept.
  void Cool(int64_t bytes) {
    while (bytes > 0 && warm_.bytes() > 0) {
      const auto [span, size] = warm_.TakeLargest();
      uint8_t* const end = span + size;
      uint8_t* const first = span + (Multiple(Address(span), kHugePage) - Address(span));
      uint8_t* const last = end - Address(end) % kHugePage;
      if (first >= last) {
        GiveBack(span, size);
        cold_pieces_.Insert(span, size);
        bytes -= size;
        continue;
      }
      GiveBack(first, last - first);
      cold_slabs_.Insert(first, last - first);
      bytes -= last - first;
      if (first > span) warm_.Insert(span, first - span);
      if (end > last) warm_.Insert(last, end - last);
    }
  }

 private:
  static int64_t Address(const uint8_t* at) { return reinterpret_cast<int64_t>(at); }

  static void GiveBack(uint8_t* span, int64_t size) {
    ::madvise(span, static_cast<size_t>(size), MADV_DONTNEED);
  }

  bool AddRegion(int64_t size) {
    size = std::max(size, kRegion);
    void* const region =
        ::mmap(nullptr, static_cast<size_t>(size + kHugePage), PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) return false;
    auto* const begin = static_cast<uint8_t*>(region);
    cold_slabs_.Insert(begin + (Multiple(Address(begin), kHugePage) - Address(begin)), size);
    return true;
  }

  FreeSpans warm_;  // touched: what is taken from here faults no more
  FreeSpans cold_slabs_;
  FreeSpans cold_pieces_;  // of slabs of which the rest was in use
  HugePageChoice huge_pages_;
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
      *out = Take(SpanSize(size));
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
  // Null where the system has no more.
  uint8_t* Take(int64_t size) {
    std::unique_lock lock(mutex_);
    uint8_t* const span = heap_.Take(size);
    if (span != nullptr) return span;
    const Slabs slabs = heap_.TakeUntouched(size);
    if (slabs.begin == nullptr) return nullptr;
    lock.unlock();  // a huge page may take milliseconds
    const auto time = Touch(slabs);
    lock.lock();
    return heap_.TakeFirst(slabs, size, time);
  }

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
