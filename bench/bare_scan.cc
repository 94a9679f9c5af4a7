// bare_scan JOB: reads the job's queries without any order, one after another, every row of them, through
// the same driver as a run. What a run takes beyond this is the price of cogrouping.
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "engine/engine_impl.h"
#include "sheaf/engine.h"
#include "sheaf/job_file.h"

namespace {

arrow::Status Scan(const char* path) {
  ARROW_ASSIGN_OR_RAISE(const sheaf::JobFile file, sheaf::LoadJobFile(path));
  std::filesystem::current_path(file.directory);
  ARROW_ASSIGN_OR_RAISE(const auto engine, sheaf::Engine::Open(file.engine));
  for (const sheaf::Table& table : file.job.tables) {
    ARROW_ASSIGN_OR_RAISE(const auto connection, engine->impl().Connect());
    std::string query = table.query;
    if (!table.source.empty()) {
      ARROW_ASSIGN_OR_RAISE(const auto found,
                            engine->impl().ResolveTable(table.source, connection.get()));
      query = "SELECT * FROM " + found.sql;
    }
    ARROW_ASSIGN_OR_RAISE(const auto reader, connection->Query(query, /*memory_limit=*/0));
    int64_t rows = 0;
    while (true) {
      std::shared_ptr<arrow::RecordBatch> batch;
      ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
      if (batch == nullptr) break;
      rows += batch->num_rows();
    }
    std::printf("%s %lld\n", table.name.c_str(), static_cast<long long>(rows));
  }
  return arrow::Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: bare_scan JOB\n", stderr);
    return 2;
  }
  const arrow::Status status = Scan(argv[1]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
