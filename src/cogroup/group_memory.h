// How many bytes the rows of one key may take: in one batch, and on their way there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "sheaf/job.h"

namespace sheaf {

/// Of the memory: the piece of a key that is made takes twice its bytes, and the one before may still be there.
constexpr int64_t kGroupPart = 8;
/// Where memory is little, keys are spared pieces of a few rows.
constexpr int64_t kLittleGroupPart = 4;
constexpr int64_t kLittleGroupBytes = int64_t{16} << 20;
/// One array takes twice as much.
constexpr int64_t kMaxGroupBytes = int64_t{1} << 30;
/// To put rows in order takes several times their bytes.
constexpr int64_t kRunPart = 32;
constexpr int64_t kMaxRunBytes = int64_t{128} << 20;

/// How many bytes of one key fit in `memory`, on all their ways.
inline int64_t GroupBytesIn(int64_t memory) {
  const int64_t little = std::min(memory / kLittleGroupPart, kLittleGroupBytes);
  return std::clamp(memory / kGroupPart, little, kMaxGroupBytes);
}

/// How many bytes the rows of one key may have to come in one batch. It depends on the job alone, so that every
/// run of it cuts a key at the same rows.
inline int64_t MaxGroupBytes(const Job& job) {
  return job.max_bytes.value_or(GroupBytesIn(job.memory));
}

/// What a run holds of one key of one of its tables.
struct GroupMemory {
  int64_t held;  ///< Bytes from which on the rows go to disk.
  int64_t run;   ///< Bytes of rows that are put in order at once.

  /// `tables`: how many share `memory`.
  static GroupMemory Of(int64_t memory, size_t tables) {
    // Rows that are read ahead take a share too, where one table has all.
    const auto shares = static_cast<int64_t>(std::max<size_t>(2, tables));
    return {.held = GroupBytesIn(memory) / shares,
            .run = std::min(memory / kRunPart, kMaxRunBytes)};
  }
};

}  // namespace sheaf
