#include "sink/batch_counts.h"

namespace sheaf {

void BatchCounts::Add(const Batch& part) {
  index = part.index();
  continued = part.continued();
  keys += part.num_keys();
  rows += part.total_rows();
  table_rows.resize(part.tables().size());
  for (size_t t = 0; t < table_rows.size(); ++t) {
    const BatchTable& table = part.tables()[t];
    table_rows[t].first = table.name;
    table_rows[t].second += table.rows->num_rows();
  }
}

void RunTotals::Add(const BatchCounts& batch) {
  ++batches;
  keys += batch.continued ? 0 : batch.keys;
  rows += batch.rows;
}

}  // namespace sheaf
