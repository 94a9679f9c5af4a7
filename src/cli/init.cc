#include "cli/init.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "cli/output.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

constexpr std::string_view kJobFile =
    R"toml(# A sheaf job: tables that share a key, read side by side in batches of whole keys.
# It runs as it is, on numbers that the engine makes up:  sheaf run job.toml
# Relative paths are relative to this file. ${VAR} in a text is replaced from the environment.

[engine]
driver = "datafusion"      # embedded; or the name of an ADBC driver's manifest, or a library's path
# uri = "${DATABASE_URL}"  # handed to the driver
# Statements that run in order when the engine opens:
setup = [
  "CREATE VIEW events AS SELECT value % 100000 AS item_id, value AS moment FROM range(500000)",
  "CREATE VIEW items AS SELECT value AS id, value * 2 AS size FROM range(120000)",
  # "CREATE EXTERNAL TABLE logs STORED AS PARQUET LOCATION 'data/logs/'",
]

[engine.options]           # handed to the driver as ADBC options, unchanged
# "datafusion.target_partitions" = "2"

[batch]
key = ["id"]               # the key columns; a table that calls them otherwise has a key of its own
max_keys = 65536           # distinct keys a batch
# max_bytes = "256MiB"     # a second limit: a batch ends at whichever comes first
# strategy = "auto"        # auto | merge | partition | probe
# ties = "any"             # rows that order_by leaves equal: any | fixed (the same in every run)
# memory = "1GiB"          # the budget for everything that sheaf and an embedded engine hold

[[table]]
name = "A"                 # names the output folder and appears in every message
query = "SELECT item_id, moment FROM events WHERE moment % 3 = 0"
key = ["item_id"]          # this table's names for the key columns, in the job's order
order_by = ["moment DESC"]  # the order of the rows of one key
selects_keys = true        # its distinct keys are the keys of the run

[[table]]
name = "P"
source = "items"           # a table or view of the engine; without source and query: the name
rows_per_key = "one"       # one | at_most_one | any: checked as rows arrive, see [policy]
# optional = true          # the engine may lack this table: then it delivers no rows
# A table may hang on rows of another table rather than on the keys (docs/job.md, linked tables):
# references = { table = "A", columns = ["moment"] }   # each row once a batch, however many rows of A name it
# parent = "A"             # or: its rows follow those of A whose parent_columns equal this table's key
# parent_columns = ["moment"]

[policy]
# null_key  = "skip"       # a row whose key is null: skip (and count) | error
# missing   = "keep"       # a key without the one row that is promised: keep | drop | error
# duplicate = "error"      # a second row where one is promised: error | keep | first

# [output]                 # without it (and without --out) a run prints the counts
# dir = "out"              # a new or empty folder; "-" is standard output
# format = "parquet"       # parquet | arrow | jsonl (a document a key) | nested (a Parquet row a key)
# local_id = "uint16"      # a column in every table: the key's number within its batch (or "uint32")
)toml";

arrow::Status CannotWrite(const std::string& path, int error) {
  return MakeError(ErrorKind::kEngine, fmt::format("cannot write {}: {}", path,
                                                   std::generic_category().message(error)));
}

arrow::Status WriteAll(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return CannotWrite(path, errno);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Status WriteJobFile(const std::string& path) {
  if (path == "-") return Print(kJobFile);
  // O_EXCL: a file that somebody wrote is never lost, not even in a race.
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0 && errno == EEXIST) {
    return MakeError(ErrorKind::kEngine, fmt::format("{} exists and is left as it is", path));
  }
  if (file < 0) return CannotWrite(path, errno);
  arrow::Status status = WriteAll(file, kJobFile, path);
  if (close(file) != 0 && status.ok()) status = CannotWrite(path, errno);
  if (!status.ok()) unlink(path.c_str());
  return status;
}

}  // namespace sheaf
