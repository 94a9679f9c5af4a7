#include "sink/table_writer.h"

#include <cstdlib>

namespace sheaf {

std::unique_ptr<TableWriter> MakeTableWriter(Format format, Ties ties) {
  switch (format) {
    case Format::kParquet:
    case Format::kNested:
      return MakeParquetWriter();
    case Format::kArrow:
      return MakeArrowWriter(ties);
    case Format::kJsonl:
      return MakeJsonlWriter();
  }
  std::abort();
}

}  // namespace sheaf
