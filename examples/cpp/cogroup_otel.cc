// The job of examples/otel/job.toml in C++: a line a batch, with the id that had the most errors.
//
//   example_cogroup_otel DATA      the folder that examples/otel/generate.py wrote
#include <arrow/api.h>

#include <iostream>
#include <string>

#include "sheaf/batch_reader.h"

namespace {

constexpr const char* kErrors = R"(
    SELECT id, timestamp_unix_nano AS timestamp, severity_number, body, trace_id FROM logs
    WHERE timestamp_unix_nano >= 1695024000000000000 AND severity_number >= 17)";

void Print(const sheaf::Batch& batch) {
  const auto column = batch.keys()->GetColumnByName("id");
  const auto& ids = static_cast<const arrow::Int64Array&>(*column);
  int64_t worst = 0;
  int64_t most = 0;
  for (const sheaf::Group& group : batch.groups()) {
    // group.rows("A") are these errors, in the order of their time; ("P"), ("R"), ("S") the rest.
    const int64_t errors = group.num_rows("A");
    if (errors > most) {
      most = errors;
      worst = ids.Value(group.index());
    }
  }
  std::cout << "batch " << batch.index() << ": " << batch.num_keys() << " keys, "
            << batch.total_rows() << " rows; id " << worst << " has " << most << " errors\n";
}

arrow::Status Run(const std::string& data) {
  sheaf::EngineOptions options;  // the default: embedded DataFusion
  for (const std::string table : {"P", "logs", "R", "S"}) {
    options.setup.push_back("CREATE EXTERNAL TABLE \"" + table + "\" STORED AS PARQUET LOCATION '" +
                            data + "/" + table + "/'");
  }
  ARROW_ASSIGN_OR_RAISE(const auto engine, sheaf::Engine::Open(options));
  const sheaf::Job job =
      sheaf::Job()
          .Key({"id"})
          .MaxKeys(65536)
          .Add(sheaf::Table::Query("A", kErrors).OrderBy({"timestamp"}).SelectsKeys())
          .Add(sheaf::Table::Named("P").RowsPerKey(sheaf::Cardinality::kOne))
          .Add(sheaf::Table::Named("R"))
          .Add(sheaf::Table::Named("S"));
  ARROW_ASSIGN_OR_RAISE(const auto reader, sheaf::BatchReader::Open(engine, job));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader->Next());
    if (!batch) return arrow::Status::OK();  // the end; an error never looks like one
    Print(*batch);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " DATA\n";
    return 2;
  }
  const arrow::Status status = Run(argv[1]);
  if (!status.ok()) std::cerr << "error: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
