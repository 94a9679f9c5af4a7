// Memory for rows on their way: what a run has touched once serves it to its end.
//
// A page that is touched for the first time costs a fault and is cleared by the kernel; at the rates of a
// scan that is a third of all time. So large blocks are not given back as they are freed but used again, cut
// and joined as it fits; only where much of what is free fits nothing does the kernel get as much back as is
// wanted. What is touched for the first time is touched by the huge page, as long as the system gives these
// quickly. Small blocks are left to Arrow's own pool.
#pragma once

#include <arrow/memory_pool.h>
#include <arrow/status.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace sheaf {

/// The pool of this process: it outlives every batch. Any thread may use it. ReleaseUnused() gives the
/// kernel back what no buffer stands in, by all cores.
arrow::MemoryPool* RowMemory();

/// Held for a run: what its rows leave goes back to the kernel with it. A process that lives on has other uses for it,
/// and where it ends this takes half as long as the kernel does, which has one core for that.
class RowMemoryOfRun {
 public:
  RowMemoryOfRun() = default;
  ~RowMemoryOfRun() { RowMemory()->ReleaseUnused(); }
  RowMemoryOfRun(const RowMemoryOfRun&) = delete;
  RowMemoryOfRun& operator=(const RowMemoryOfRun&) = delete;
};

/// Lets a vector stand there. Throws std::bad_alloc where the system has no more.
template <typename T>
struct RowAllocator {
  using value_type = T;
  RowAllocator() = default;
  template <typename U>
  explicit RowAllocator(const RowAllocator<U>&) {}
  T* allocate(size_t count) {
    uint8_t* bytes = nullptr;
    if (!RowMemory()->Allocate(Bytes(count), &bytes).ok()) throw std::bad_alloc();
    return reinterpret_cast<T*>(bytes);
  }
  void deallocate(T* values, size_t count) {
    RowMemory()->Free(reinterpret_cast<uint8_t*>(values), Bytes(count));
  }
  /// Leaves new elements as they are: whoever makes room for so many writes each.
  template <typename U>
  void construct(U* value) {
    ::new (static_cast<void*>(value)) U;
  }
  template <typename U, typename... Args>
  void construct(U* value, Args&&... args) {
    ::new (static_cast<void*>(value)) U(std::forward<Args>(args)...);
  }
  bool operator==(const RowAllocator&) const = default;

 private:
  static int64_t Bytes(size_t count) { return static_cast<int64_t>(count * sizeof(T)); }
};

/// Of numbers of rows, of which a window has as many as rows.
template <typename T>
using RowVector = std::vector<T, RowAllocator<T>>;

}  // namespace sheaf
