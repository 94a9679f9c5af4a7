#include "sink/table_writer.h"

#include <cstdlib>

namespace sheaf {

std::unique_ptr<TableWriter> MakeTableWriter(Format format, Ties ties) {
  switch (format) {
    case Format::kParquet:
      return MakeParquetWriter();
    case Format::kArrow:
      return MakeArrowWriter(ties);
  }
  std::abort();
}

}  // namespace sheaf
