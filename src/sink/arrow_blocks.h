// How much stands in one record batch of an Arrow file or stream: few batches have more.
#pragma once

#include <cstdint>

namespace sheaf {

constexpr int64_t kMaxArrowRows = int64_t{1} << 20;
/// See RowSizes.
constexpr int64_t kMaxArrowBytes = int64_t{64} << 20;

}  // namespace sheaf
