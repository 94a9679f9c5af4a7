#include "spill/row_memory.h"

#include <arrow/status.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace sheaf {
namespace {

constexpr int64_t kSlab = int64_t{2} << 20;
constexpr int64_t kSmallest = int64_t{16} << 10;
constexpr int kClasses = 8;  // 16 KiB, 32 KiB, ... 2 MiB
static_assert(kSmallest << (kClasses - 1) == kSlab);

// The sanitizers of the tests find out more where every block comes and goes by itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kRecycles = false;
#else
constexpr bool kRecycles = true;
#endif

bool IsSmall(int64_t size) { return !kRecycles || size <= kSmallest / 2; }

// The class of the smallest blocks that hold `size` bytes.
int ClassOf(int64_t size) {
  return static_cast<int>(std::bit_width(static_cast<uint64_t>((size - 1) / kSmallest)));
}

// Sizes above a slab come in steps of about an eighth, so that batches that differ a little fit in each
// other's blocks.
int64_t LargeSize(int64_t size) {
  const auto step = std::max<int64_t>(
      kSlab, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(size)) / 8));
  return (size + step - 1) / step * step;
}

// Bytes at a multiple of kSlab; null where the system has no more.
uint8_t* MapAligned(int64_t size) {
  const auto length = static_cast<size_t>(size + kSlab);
  void* mapped =
      ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<uint8_t*>(mapped);
  const auto past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(begin) % kSlab);
  const int64_t skip = past == 0 ? 0 : kSlab - past;
  if (skip > 0) ::munmap(begin, static_cast<size_t>(skip));
  ::munmap(begin + skip + size, static_cast<size_t>(kSlab - skip));
  return begin + skip;
}

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
      *out = size > kSlab ? TakeLarge(LargeSize(size)) : TakeBlock(ClassOf(size));
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
    if (size > kSlab) {
      large_.emplace(LargeSize(size), buffer);
    } else {
      blocks_[static_cast<size_t>(ClassOf(size))].push_back(buffer);
    }
  }

  void ReleaseUnused() override {
    const std::lock_guard lock(mutex_);
    for (const auto& [size, block] : large_) ::munmap(block, static_cast<size_t>(size));
    large_.clear();
    std::map<uint8_t*, int64_t> unused;  // bytes of each slab
    for (int c = 0; c < kClasses; ++c) {
      for (uint8_t* block : blocks_[static_cast<size_t>(c)]) {
        unused[SlabOf(block)] += kSmallest << c;
      }
    }
    for (auto& blocks : blocks_) {
      std::erase_if(blocks, [&](uint8_t* block) { return unused[SlabOf(block)] == kSlab; });
    }
    for (const auto& [slab, bytes] : unused) {
      if (bytes == kSlab) ::munmap(slab, static_cast<size_t>(kSlab));
    }
    small_->ReleaseUnused();
  }

  [[nodiscard]] int64_t bytes_allocated() const override { return bytes_; }
  [[nodiscard]] int64_t max_memory() const override { return max_bytes_; }
  [[nodiscard]] int64_t total_bytes_allocated() const override { return total_bytes_; }
  [[nodiscard]] int64_t num_allocations() const override { return num_allocations_; }
  [[nodiscard]] std::string backend_name() const override { return "sheaf"; }

 private:
  static uint8_t* SlabOf(uint8_t* block) {
    return block - reinterpret_cast<uintptr_t>(block) % kSlab;
  }

  // A block of the class, cut from a larger one where none is free.
  uint8_t* TakeBlock(int block_class) {
    auto& blocks = blocks_[static_cast<size_t>(block_class)];
    if (blocks.empty()) {
      if (block_class == kClasses - 1) return MapAligned(kSlab);
      uint8_t* larger = TakeBlock(block_class + 1);
      if (larger == nullptr) return nullptr;
      blocks.push_back(larger + (kSmallest << block_class));
      return larger;
    }
    uint8_t* block = blocks.back();
    blocks.pop_back();
    return block;
  }

  uint8_t* TakeLarge(int64_t size) {
    const auto found = large_.find(size);
    if (found == large_.end()) return MapAligned(size);
    uint8_t* block = found->second;
    large_.erase(found);
    return block;
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
  std::array<std::vector<uint8_t*>, kClasses> blocks_;  // free, by class
  std::multimap<int64_t, uint8_t*> large_;              // free, by size
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
