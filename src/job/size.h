// Sizes in bytes as people write them.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sheaf {

/// Reads `256MiB`, `1.5GB`, `64 kB` or plain bytes. B, kB, MB, GB, TB count in thousands, KiB, MiB,
/// GiB, TiB in 1024s; the case of the letters does not matter.
/// Errors: kJob, without the text itself: it may hold what nobody should see.
arrow::Result<int64_t> ParseSize(std::string_view text);

/// The shortest exact form, such as `16MiB` or `1000B`.
std::string FormatSize(int64_t bytes);

}  // namespace sheaf
