#include "spill/row_memory.h"

#include <arrow/status.h>
#include <arrow/util/bit_util.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "parallel/parallel.h"
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
constexpr int64_t kGivenAtOnce = int64_t{16} << 20;  // to the kernel, by one thread

// The sanitizers of the tests find out more where every block comes and goes by itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kRecycles = false;
#else
constexpr bool kRecycles = true;
#endif

bool IsSmall(int64_t size) { return !kRecycles || size <= kUnit / 2; }

int64_t SpanSize(int64_t size) { return arrow::bit_util::RoundUp(size, kUnit); }

int64_t InHugePages(int64_t size) { return arrow::bit_util::RoundUp(size, kHugePage); }

// Where the first huge page begins from here on.
uint8_t* NextHugePage(uint8_t* from) {
  const auto address = reinterpret_cast<int64_t>(from);
  return from + (InHugePages(address) - address);
}

// Memory that is not touched yet: of whole huge pages, or a piece of one of which the rest is or was in use.
struct Untouched {
  enum class Pages { kHuge, kSmall, kPiece };

  uint8_t* begin = nullptr;
  int64_t size = 0;
  Pages pages = Pages::kPiece;
};

// Touches each page, where they are huge; small ones are left to whoever writes them, and don't become huge then,
// whatever that takes. How long a huge one takes.
std::chrono::steady_clock::duration Touch(const Untouched& memory) {
  using Pages = Untouched::Pages;
  // Pieces stay as they are: each would be a mapping of its own for the kernel.
  if (memory.pages == Pages::kPiece) return {};
  const bool huge = memory.pages == Pages::kHuge;
  const auto start = std::chrono::steady_clock::now();
  ::madvise(memory.begin, static_cast<size_t>(memory.size), huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  if (!huge) return {};
  for (int64_t at = 0; at < memory.size; at += kHugePage) {
    *static_cast<volatile uint8_t*>(memory.begin + at) = 0;
  }
  return (std::chrono::steady_clock::now() - start) / (memory.size / kHugePage);
}

// Memory that was touched and is free.
struct Unused {
  uint8_t* span;
  int64_t size;
  bool whole_pages;  // huge ones
};

void GiveBack(uint8_t* span, int64_t size) {
  ::madvise(span, static_cast<size_t>(size), MADV_DONTNEED);
}

// By all cores: for the kernel to take a page takes a sixth as long as to give one.
void GiveBack(const std::vector<Unused>& unused) {
  std::vector<std::pair<uint8_t*, int64_t>> parts;
  for (const Unused& memory : unused) {
    for (int64_t at = 0; at < memory.size; at += kGivenAtOnce) {
      parts.emplace_back(memory.span + at, std::min(kGivenAtOnce, memory.size - at));
    }
  }
  ForEachInParallel(parts.size(),
                    [&parts](size_t part) { GiveBack(parts[part].first, parts[part].second); });
}

// Spans cut from regions that are never unmapped.
class SpanHeap {
 public:
  // From what is touched; null where nothing fits. Then, of much that is free, as much goes back as will be touched.
  uint8_t* Take(int64_t size) {
    uint8_t* span = warm_.Take(size);
    if (span == nullptr && warm_.bytes() > std::max(kMaxUnused, used_ / kMaxUnusedPart)) {
      Cool(InHugePages(size));
    }
    if (span != nullptr) used_ += size;
    return span;
  }

  // At least so much; null where the system has no more.
  Untouched TakeUntouched(int64_t size) {
    const int64_t pages = InHugePages(size);
    uint8_t* begin = cold_pages_.Take(pages);
    if (begin == nullptr) {
      uint8_t* const piece = cold_pieces_.Take(size);
      if (piece != nullptr) return {piece, size, Untouched::Pages::kPiece};
      if (!AddRegion(pages)) return {};
      begin = cold_pages_.Take(pages);
    }
    return {begin, pages, huge_pages_.Next() ? Untouched::Pages::kHuge : Untouched::Pages::kSmall};
  }

  // The first bytes of this memory, of which each huge page took so long.
  uint8_t* TakeFirst(const Untouched& memory, int64_t size,
                     std::chrono::steady_clock::duration time) {
    if (memory.pages == Untouched::Pages::kHuge) huge_pages_.Measured(time);
    if (memory.size > size) warm_.Insert(memory.begin + size, memory.size - size);
    used_ += size;
    return memory.begin;
  }

  void Free(uint8_t* span, int64_t size) {
    used_ -= size;
    warm_.Insert(span, size);
  }

  // Gives the kernel the pages of so many bytes that are free, or a little more.
  void Cool(int64_t bytes) {
    const std::vector<Unused> unused = TakeUnused(bytes);
    for (const Unused& memory : unused) GiveBack(memory.span, memory.size);
    InsertCold(unused);
  }

  // So many bytes that are free, or a little more, in nobody's hands until they are inserted as cold. Of the largest
  // spans: small ones are wanted more often. And of these the whole huge pages, where there are: the kernel keeps one
  // until all of it comes back.
  std::vector<Unused> TakeUnused(int64_t bytes) {
    std::vector<Unused> unused;
    while (bytes > 0 && warm_.bytes() > 0) {
      const auto [span, size] = warm_.TakeLargest();
      const uint8_t* const end = span + size;
      uint8_t* const first_page = NextHugePage(span);
      const int64_t pages = (end - first_page) / kHugePage * kHugePage;
      if (pages <= 0) {
        unused.push_back({span, size, /*whole_pages=*/false});
        bytes -= size;
        continue;
      }
      unused.push_back({first_page, pages, /*whole_pages=*/true});
      bytes -= pages;
      uint8_t* const rest = first_page + pages;
      if (first_page > span) warm_.Insert(span, first_page - span);
      if (end > rest) warm_.Insert(rest, end - rest);
    }
    return unused;
  }

  // Once the kernel has their pages.
  void InsertCold(const std::vector<Unused>& unused) {
    for (const auto& [span, size, whole_pages] : unused) {
      (whole_pages ? cold_pages_ : cold_pieces_).Insert(span, size);
    }
  }

 private:
  bool AddRegion(int64_t size) {
    size = std::max(size, kRegion);
    void* const region =
        ::mmap(nullptr, static_cast<size_t>(size + kHugePage), PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) return false;
    cold_pages_.Insert(NextHugePage(static_cast<uint8_t*>(region)), size);
    return true;
  }

  FreeSpans warm_;         // touched: what is taken from here faults no more
  FreeSpans cold_pages_;   // whole huge pages
  FreeSpans cold_pieces_;  // of huge pages of which the rest was in use
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
    std::unique_lock lock(mutex_);
    const std::vector<Unused> unused = heap_.TakeUnused(std::numeric_limits<int64_t>::max());
    lock.unlock();
    GiveBack(unused);
    lock.lock();
    heap_.InsertCold(unused);
    lock.unlock();
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
    const Untouched memory = heap_.TakeUntouched(size);
    if (memory.begin == nullptr) return nullptr;
    lock.unlock();  // a huge page may take milliseconds
    const auto time = Touch(memory);
    lock.lock();
    return heap_.TakeFirst(memory, size, time);
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
