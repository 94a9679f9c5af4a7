// Few selected keys: the other tables are filtered by them in the engine, so that it does not sort
// rows that nobody wants. The keys come from the rows that the selecting query delivered, which wait
// in memory meanwhile; no query runs twice, so a volatile one stays right.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>

#include "cogroup/table_input.h"

namespace sheaf {

/// What makes a filter worth its price: the engine expects this many rows at least of the table, and
/// this many for each selected key. bench/ measures both.
inline constexpr int64_t kMinFilteredRows = 1'000'000;
inline constexpr int64_t kMinRowsPerKey = 20;

/// True where the engine compares the table's keys with a temporary table of keys of these types just as sheaf does.
bool CanFilter(const TableInput& input, const arrow::Schema& key_schema);

/// True where the engine expects so many rows of the table that filtering them pays.
bool WorthFiltering(const TableInput& input, int64_t num_keys);

/// Puts the keys into a temporary table of the table's connection and returns the query for only
/// their rows of `query`, in no order.
arrow::Result<std::string> FilteredQuery(const Engine& engine, const TableInput& input,
                                         const std::string& query,
                                         const std::shared_ptr<arrow::RecordBatch>& keys);

/// The same query without making the table: what FilteredQuery will return.
std::string FilteredQueryText(const Engine& engine, const TableInput& input,
                              const std::string& query);

/// Drops the temporary table, so that FilteredQuery can be called again. Its query has ended.
arrow::Status DropKeys(const TableInput& input);

}  // namespace sheaf
