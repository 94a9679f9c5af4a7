// Where a run's batches are stored, and in which form.
#pragma once

#include <filesystem>

namespace sheaf {

enum class Format { kParquet, kArrow };

struct OutputOptions {
  std::filesystem::path dir;  ///< Must be absent or empty.
  Format format = Format::kParquet;
};

}  // namespace sheaf
