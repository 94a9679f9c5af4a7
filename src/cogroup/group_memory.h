// How many bytes the rows of one key may take: in one batch, and on their way there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "sheaf/job.h"

namespace sheaf {

/// Of the memory: the piece of a key that is made, what it is made of and the piece before it then fit.
constexpr int64_t kGroupPart = 4;
/// To put rows in order takes several times their bytes.
constexpr int64_t kRunPart = 32;
/// One array takes twice as much.
constexpr int64_t kMaxGroupBytes = int64_t{1} << 30;
constexpr int64_t kMaxRunBytes = int64_t{128} << 20;

/// How many bytes the rows of one key may have to come in one batch. It depends on the job alone, so that every
/// run of it cuts a key at the same rows.
inline int64_t MaxGroupBytes(const Job& job) {
  return job.max_bytes.value_or(std::min(job.memory / kGroupPart, kMaxGroupBytes));
}

/// What a run holds of one key of one of its tables.
struct GroupMemory {
  int64_t held;  ///< Bytes from which on the rows go to disk.
  int64_t run;   ///< Bytes of rows that are put in order at once.

  /// `tables`: how many share `memory`.
  static GroupMemory Of(int64_t memory, size_t tables) {
    return {.held = std::min(memory / kGroupPart, kMaxGroupBytes) /
                    static_cast<int64_t>(std::max<size_t>(1, tables)),
            .run = std::min(memory / kRunPart, kMaxRunBytes)};
  }
};

}  // namespace sheaf
