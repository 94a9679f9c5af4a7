// Memory for rows on their way: what a run has touched once serves it to its end.
//
// A page that is touched for the first time costs a fault and is cleared by the kernel; at the rates of a
// scan that is a third of all time. So large blocks are not given back as they are freed but used again, cut
// and joined as it fits; only where much of what is free fits nothing does the kernel get it back. Small blocks
// are left to Arrow's own pool. (Huge pages were tried: they fault less often, but on a virtual machine whose
// host takes free ones back each costs several times as much.)
#pragma once

#include <arrow/memory_pool.h>

namespace sheaf {

/// The pool of this process: it outlives every batch. Any thread may use it. ReleaseUnused() gives the
/// kernel back what no buffer stands in.
arrow::MemoryPool* RowMemory();

}  // namespace sheaf
