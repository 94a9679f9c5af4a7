#include "sheaf/job_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include "job/check.h"
#include "job/job_source.h"
#include "job/output_check.h"
#include "job/table_reader.h"
#include "job/words.h"
#include "sheaf/error.h"

namespace sheaf {
namespace {

arrow::Status ReadEngine(TableReader reader, EngineOptions* engine) {
  ARROW_RETURN_NOT_OK(reader.Text("driver", &engine->driver));
  if (engine->driver.empty()) return reader.Missing("driver");
  ARROW_RETURN_NOT_OK(reader.Text("uri", &engine->uri));
  ARROW_RETURN_NOT_OK(reader.Texts("setup", &engine->setup));
  ARROW_RETURN_NOT_OK(reader.TextMap("options", &engine->options));
  return reader.Finish();
}

arrow::Status ReadBatch(TableReader reader, Job* job) {
  ARROW_RETURN_NOT_OK(reader.Texts("key", &job->key));
  ARROW_RETURN_NOT_OK(reader.Count("max_keys", &job->max_keys));
  int64_t max_bytes = 0;
  ARROW_RETURN_NOT_OK(reader.Size("max_bytes", &max_bytes));
  if (reader.Has("max_bytes")) job->max_bytes = max_bytes;
  ARROW_RETURN_NOT_OK(reader.Choice("strategy", kStrategyWords, &job->strategy));
  ARROW_RETURN_NOT_OK(reader.Choice("ties", kTiesWords, &job->ties));
  ARROW_RETURN_NOT_OK(reader.Size("memory", &job->memory));
  return reader.Finish();
}

arrow::Status ReadReferences(TableReader reader, Table* table) {
  Link link{Link::Kind::kReference, "", {}};
  ARROW_RETURN_NOT_OK(reader.Text("table", &link.table));
  ARROW_RETURN_NOT_OK(reader.Texts("columns", &link.columns));
  ARROW_RETURN_NOT_OK(reader.Finish());
  table->link = std::move(link);
  return arrow::Status::OK();
}

arrow::Status ReadLink(JobSource* source, TableReader* reader, Table* table) {
  ARROW_ASSIGN_OR_RAISE(const toml::table* references, reader->Section("references"));
  Link parent{Link::Kind::kParent, "", {}};
  ARROW_RETURN_NOT_OK(reader->Text("parent", &parent.table));
  ARROW_RETURN_NOT_OK(reader->Texts("parent_columns", &parent.columns));
  const bool has_parent = reader->Has("parent") || reader->Has("parent_columns");
  if (references != nullptr && has_parent) {
    return source->Error(references->source(), "references and parent exclude each other");
  }
  if (has_parent) table->link = std::move(parent);
  if (references == nullptr) return arrow::Status::OK();
  return ReadReferences(TableReader(source, *references, "table.references"), table);
}

arrow::Status ReadTable(JobSource* source, const toml::table& section,
                        const std::filesystem::path& directory, Table* table) {
  TableReader reader(source, section, "table");
  ARROW_RETURN_NOT_OK(reader.Text("name", &table->name));
  ARROW_RETURN_NOT_OK(reader.Text("source", &table->source));
  ARROW_RETURN_NOT_OK(reader.Text("query", &table->query));
  ARROW_RETURN_NOT_OK(reader.File("substrait", directory, &table->substrait));
  ARROW_RETURN_NOT_OK(reader.Texts("key", &table->key));
  ARROW_RETURN_NOT_OK(reader.Texts("order_by", &table->order_by));
  ARROW_RETURN_NOT_OK(reader.Flag("selects_keys", &table->selects_keys));
  ARROW_RETURN_NOT_OK(reader.Flag("optional", &table->optional));
  ARROW_RETURN_NOT_OK(reader.Choice("rows_per_key", kCardinalityWords, &table->rows_per_key));
  ARROW_RETURN_NOT_OK(ReadLink(source, &reader, table));
  ARROW_RETURN_NOT_OK(reader.Finish());
  if (!reader.Has("source") && !reader.Has("query") && !reader.Has("substrait")) {
    table->source = table->name;
  }
  return arrow::Status::OK();
}

arrow::Status ReadPolicy(TableReader reader, Policy* policy) {
  ARROW_RETURN_NOT_OK(reader.Choice("null_key", kNullKeyWords, &policy->null_key));
  ARROW_RETURN_NOT_OK(reader.Choice("missing", kMissingWords, &policy->missing));
  ARROW_RETURN_NOT_OK(reader.Choice("duplicate", kDuplicateWords, &policy->duplicate));
  ARROW_RETURN_NOT_OK(reader.Choice("oversize", kOversizeWords, &policy->oversize));
  return reader.Finish();
}

// "x/.." may be another folder than the text says: x may be a symbolic link.
std::filesystem::path Tidy(const std::filesystem::path& path) {
  const bool climbs = std::ranges::find(path, std::filesystem::path("..")) != path.end();
  return climbs ? path : path.lexically_normal();
}

arrow::Status ReadOutput(TableReader reader, const std::filesystem::path& directory,
                         OutputOptions* output) {
  std::string dir;
  ARROW_RETURN_NOT_OK(reader.Text("dir", &dir));
  ARROW_RETURN_NOT_OK(reader.Choice("format", kFormatWords, &output->format));
  ARROW_RETURN_NOT_OK(reader.Choice("local_id", kLocalIdWords, &output->local_id));
  ARROW_RETURN_NOT_OK(reader.Finish());
  if (dir.empty()) return reader.Missing("dir");
  output->dir = dir;
  if (!IsStandardOutput(*output)) output->dir = Tidy(directory / dir);
  return arrow::Status::OK();
}

arrow::Status ReadTables(JobSource* source, TableReader* root,
                         const std::filesystem::path& directory, Job* job) {
  ARROW_ASSIGN_OR_RAISE(const auto tables, root->Sections("table"));
  for (const toml::table* table : tables) {
    job->tables.emplace_back();
    ARROW_RETURN_NOT_OK(ReadTable(source, *table, directory, &job->tables.back()));
  }
  return arrow::Status::OK();
}

arrow::Status ReadAll(JobSource* source, JobFile* file) {
  TableReader root(source, source->root(), "");
  const auto section = [&](const std::string& name, const auto& read) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const toml::table* table, root.Section(name));
    return table == nullptr ? arrow::Status::OK() : read(TableReader(source, *table, name));
  };
  ARROW_RETURN_NOT_OK(section(
      "engine", [&](TableReader reader) { return ReadEngine(std::move(reader), &file->engine); }));
  ARROW_RETURN_NOT_OK(section(
      "batch", [&](TableReader reader) { return ReadBatch(std::move(reader), &file->job); }));
  ARROW_RETURN_NOT_OK(ReadTables(source, &root, file->directory, &file->job));
  ARROW_RETURN_NOT_OK(section("policy", [&](TableReader reader) {
    return ReadPolicy(std::move(reader), &file->job.policy);
  }));
  ARROW_RETURN_NOT_OK(section("output", [&](TableReader reader) {
    return ReadOutput(std::move(reader), file->directory, &file->output.emplace());
  }));
  return root.Finish();
}

/// Where a problem stands: its field, else its table or section, else nowhere.
toml::source_region PlaceOf(const JobSource& source, std::string_view section_name,
                            const JobProblem& problem) {
  const auto section =
      problem.table ? source.root()["table"][*problem.table] : source.root()[section_name];
  if (const toml::node* field = section[problem.field].node()) return field->source();
  if (const toml::node* node = section.node()) return node->source();
  return {};
}

arrow::Status Refuse(const JobSource& source, std::string_view section_name,
                     const std::optional<JobProblem>& problem) {
  if (!problem) return arrow::Status::OK();
  return source.Error(PlaceOf(source, section_name, *problem),
                      Redact(problem->message, source.environment()));
}

arrow::Status CheckFile(const JobSource& source, const JobFile& file) {
  ARROW_RETURN_NOT_OK(Refuse(source, "batch", FindProblem(file.job)));
  if (!file.output) return arrow::Status::OK();
  return Refuse(source, "output", FindOutputProblem(file.job, *file.output));
}

}  // namespace

arrow::Result<JobFile> LoadJobFile(const std::filesystem::path& path,
                                   const std::vector<std::string>& overrides) {
  ARROW_ASSIGN_OR_RAISE(JobSource source, JobSource::Load(path));
  for (const std::string& override_text : overrides) {
    ARROW_RETURN_NOT_OK(source.Override(override_text));
  }
  JobFile file;
  file.path = path;
  std::error_code error;
  file.directory = std::filesystem::absolute(path, error).parent_path();
  if (error) {
    return MakeError(ErrorKind::kEngine, fmt::format("cannot find the folder of {}: {}",
                                                     path.string(), error.message()));
  }
  if (const auto status = ReadAll(&source, &file); !status.ok()) {
    return status.WithMessage(Redact(status.message(), source.environment()));
  }
  ARROW_RETURN_NOT_OK(CheckFile(source, file));
  file.environment = source.environment();
  return file;
}

}  // namespace sheaf
