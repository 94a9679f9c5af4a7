// What an engine tells of itself and of its tables, read from the nested results of ADBC.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <string>
#include <vector>

namespace sheaf {

struct DriverInfo {
  std::string vendor_name;
  std::string vendor_version;
  std::string driver_name;
  std::string driver_version;
};

/// Reads the result of AdbcConnectionGetInfo; what the driver does not tell stays empty.
arrow::Result<DriverInfo> ReadDriverInfo(arrow::RecordBatchReader& reader);

/// A table or view; engines without catalogs or schemas have empty names for them.
struct TableId {
  std::string catalog;
  std::string schema;
  std::string name;
};

/// Reads the result of AdbcConnectionGetObjects, in its order.
arrow::Result<std::vector<TableId>> ReadTables(arrow::RecordBatchReader& reader);

}  // namespace sheaf
