#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/util/base64.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cogroup/group_rows.h"
#include "sheaf/error.h"
#include "sheaf/sink.h"
#include "sheaf/version.h"
#include "sink/durable_file.h"
#include "sink/equal_rows_test_support.h"
#include "sink/fake_reader_test_support.h"
#include "sink/json_text.h"
#include "sink/sink_test_support.h"

namespace sheaf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Rows = std::shared_ptr<arrow::RecordBatch>;

/// Every batch has two keys (1 and 4): A has two rows a key, P none.
class RunDirectoryTest : public ::testing::Test {
 protected:
  Rows RowsOfA(const std::string& ids) const {
    const auto array = testing::ArrayOf(arrow::int64(), ids);
    return testing::RowsOf(
        {{"id", array},
         {"body", testing::ArrayOf(arrow::utf8(), ids == "[]" ? "[]" : R"(["x","y","z","w"])")
                      ->Slice(0, array->length())}});
  }

  Batch MakeBatch(int64_t index) const {
    const auto keys = testing::RowsOf({{"id", testing::ArrayOf(arrow::int64(), "[1, 4]")}});
    const auto offsets = [](const std::string& json) {
      return std::static_pointer_cast<arrow::Int32Array>(testing::ArrayOf(arrow::int32(), json));
    };
    return {index,
            keys,
            {{.name = names_[0], .rows = RowsOfA("[1, 1, 4, 4]"), .offsets = offsets("[0, 2, 4]")},
             {.name = names_[1], .rows = RowsOfA("[]"), .offsets = offsets("[0, 0, 0]")}}};
  }

  arrow::Result<std::unique_ptr<Sink>> Open(Format format = Format::kParquet,
                                            Ties ties = Ties::kAny) {
    Job job = Job().Key({"id"}).WithTies(ties).Add(
        Table::Query(names_[0], "SELECT 'secret' AS id").OrderBy({"body DESC"}).SelectsKeys());
    job.Add(Table::Named(names_[1]).RowsPerKey(Cardinality::kOne));
    const auto table = RowsOfA("[]")->schema();
    const testing::FakeReader reader(arrow::schema({table->field(0)}), {table, table});
    return OpenRunDirectory({.dir = out(), .format = format, .local_id = local_id_}, job, nullptr,
                            reader);
  }

  [[nodiscard]] std::filesystem::path out() const { return temporary_.path() / "out"; }
  [[nodiscard]] std::set<std::string> Entries() const {
    std::set<std::string> entries;
    for (const auto& entry : temporary_.Entries()) {
      if (entry != "out") entries.insert(entry.substr(sizeof("out")));
    }
    return entries;
  }
  [[nodiscard]] Json ReadJson(const std::string& name) const {
    return Json::parse(testing::ReadText(out() / name));
  }

  testing::TemporaryDirectory temporary_;
  std::vector<std::string> names_ = {"A", "P"};
  LocalId local_id_ = LocalId::kNone;
};

TEST_F(RunDirectoryTest, OpensWithManifestEmptyLogAndFolders) {
  ASSERT_TRUE(Open().ok());
  EXPECT_THAT(Entries(), ElementsAre("A", "P", "batches.jsonl", "manifest.json"));
  EXPECT_EQ(testing::ReadText(out() / "batches.jsonl"), "");
}

TEST_F(RunDirectoryTest, ManifestTellsWhatTheRunIs) {
  ASSERT_TRUE(Open().ok());
  const Json manifest = ReadJson("manifest.json");
  EXPECT_EQ(manifest["format_version"], 1);
  EXPECT_EQ(manifest["sheaf"], kVersion);
  EXPECT_EQ(manifest["fingerprint"].get<std::string>().size(), 32U);
  EXPECT_TRUE(manifest["engine"].is_null());
  EXPECT_EQ(manifest["format"], "parquet");
  EXPECT_EQ(manifest["strategy"], "merge");
  EXPECT_EQ(manifest["guarantees"], Json({"Keys ascend."}));
  EXPECT_EQ(manifest["key"]["columns"].dump(), R"([{"name":"id","type":"int64","nullable":true}])");
  const Json& table = manifest["tables"][0];
  EXPECT_EQ(table["name"], "A");
  EXPECT_EQ(table["key"], Json({"id"}));
  EXPECT_EQ(table["order_by"], Json({"body DESC"}));
  EXPECT_EQ(table["selects_keys"], true);
  EXPECT_EQ(table["executions"], "once");
  EXPECT_EQ(manifest["tables"][1]["rows_per_key"], "one");
}

TEST_F(RunDirectoryTest, ManifestHoldsNoQuery) {
  ASSERT_TRUE(Open().ok());
  EXPECT_THAT(testing::ReadText(out() / "manifest.json"), Not(HasSubstr("secret")));
}

TEST_F(RunDirectoryTest, SchemasOfTheManifestCanBeRestored) {
  ASSERT_TRUE(Open().ok());
  const std::string text = ReadJson("manifest.json")["tables"][0]["arrow_schema"];
  arrow::io::BufferReader message(
      arrow::Buffer::FromString(arrow::util::base64_decode(text).ValueOrDie()));
  arrow::ipc::DictionaryMemo memo;
  const auto schema = arrow::ipc::ReadSchema(&message, &memo);
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_TRUE((*schema)->Equals(*RowsOfA("[]")->schema()));
}

TEST_F(RunDirectoryTest, ABatchIsAFileATableThenALogLine) {
  auto sink = Open().ValueOrDie();
  ASSERT_TRUE(sink->Write(MakeBatch(0)).ok());
  EXPECT_THAT(Entries(), ElementsAre("A", "A/batch-000000.parquet", "P", "P/batch-000000.parquet",
                                     "batches.jsonl", "manifest.json"));
  const Json line = ReadJson("batches.jsonl");
  EXPECT_EQ(line["index"], 0);
  EXPECT_EQ(line["keys"], 2);
  EXPECT_EQ(line["rows"], 4);
  EXPECT_EQ(line["first_key"].dump(), R"({"id":1})");
  EXPECT_EQ(line["last_key"].dump(), R"({"id":4})");
  EXPECT_EQ(line["tables"]["A"]["rows"], 4);
  EXPECT_EQ(line["tables"]["P"]["rows"], 0);
  EXPECT_EQ(line["tables"]["A"]["file"], "A/batch-000000.parquet");
}

/// The batch in two parts of one key.
std::vector<Batch> PartsOf(const Batch& whole) {
  std::vector<Batch> parts;
  for (const int64_t key : {0, 1}) {
    std::vector<BatchTable> tables = whole.tables();
    for (BatchTable& table : tables) {
      const int32_t begin = table.offsets->Value(key);
      const int32_t count = table.offsets->Value(key + 1) - begin;
      table.rows = table.rows->Slice(begin, count);
      table.offsets = OffsetsArray({0, count});
    }
    parts.emplace_back(whole.index(), whole.keys()->Slice(key, 1), tables, false,
                       BatchPart{key, key == 1});
  }
  return parts;
}

TEST_F(RunDirectoryTest, PartsMakeTheFilesAndTheLogLineOfTheirBatch) {
  for (const Format format : {Format::kParquet, Format::kArrow, Format::kNested, Format::kJsonl}) {
    for (const LocalId id : {LocalId::kNone, LocalId::kUint16}) {
      local_id_ = id;
      auto whole = Open(format).ValueOrDie();
      ASSERT_TRUE(whole->Write(MakeBatch(0)).ok());
      const std::string log = testing::ReadText(out() / "batches.jsonl");  // with checksums
      std::filesystem::remove_all(out());
      auto sink = Open(format).ValueOrDie();
      for (const Batch& part : PartsOf(MakeBatch(0))) {
        EXPECT_EQ(testing::ReadText(out() / "batches.jsonl"), "");
        ASSERT_TRUE(sink->Write(part).ok());
      }
      EXPECT_EQ(testing::ReadText(out() / "batches.jsonl"), log);
      ASSERT_TRUE(sink->Write(MakeBatch(1)).ok());
      std::filesystem::remove_all(out());
    }
  }
}

TEST_F(RunDirectoryTest, OfABatchWhosePartsAreNotAllThereNothingStays) {
  auto sink = Open().ValueOrDie();
  const auto before = Entries();
  ASSERT_TRUE(sink->Write(PartsOf(MakeBatch(0))[0]).ok());
  EXPECT_FALSE(std::filesystem::exists(out() / "A" / "batch-000000.parquet"));
  sink = nullptr;
  EXPECT_EQ(Entries(), before);
}

TEST_F(RunDirectoryTest, APartOutOfTurnIsAnErrorAndNothingStaysOfTheOthers) {
  auto sink = Open().ValueOrDie();
  const auto before = Entries();
  ASSERT_TRUE(sink->Write(PartsOf(MakeBatch(0))[0]).ok());
  EXPECT_EQ(sink->Write(MakeBatch(0)).message(),
            "the part of batch 0 from its key 0 on was handed in where the one from 1 on is next");
  EXPECT_EQ(Entries(), before);
}

TEST_F(RunDirectoryTest, ABatchOfDocumentsIsOneFile) {
  for (const auto& [format, name] :
       {std::pair(Format::kJsonl, "documents/batch-000000.jsonl"),
        std::pair(Format::kNested, "documents/batch-000000.parquet")}) {
    auto sink = Open(format).ValueOrDie();
    ASSERT_TRUE(sink->Write(MakeBatch(0)).ok());
    EXPECT_THAT(Entries(), ElementsAre("batches.jsonl", "documents", name, "manifest.json"));
    const Json line = ReadJson("batches.jsonl");
    EXPECT_EQ(line["tables"].dump(), R"({"A":{"rows":4},"P":{"rows":0}})");
    const auto stored =
        WriteTextDurably(temporary_.path() / "copy", testing::ReadText(out() / name)).ValueOrDie();
    EXPECT_EQ(line["documents"],
              (Json{{"bytes", stored.bytes}, {"file", name}, {"xxh3_64", stored.xxh3_64}}));
    std::filesystem::remove_all(out());
    std::filesystem::remove(temporary_.path() / "copy");
  }
}

TEST_F(RunDirectoryTest, DocumentsOfABatchThatFailsAreTakenBack) {
  auto sink = Open(Format::kJsonl).ValueOrDie();
  std::filesystem::remove(out() / "documents");
  std::ofstream(out() / "documents") << "a file in place of the folder";
  EXPECT_THAT(sink->Write(MakeBatch(0)).message(),
              HasSubstr("documents/batch-000000.jsonl\": Not a directory"));
}

TEST_F(RunDirectoryTest, LocalIdsAreInTheFilesAndInTheManifest) {
  local_id_ = LocalId::kUint16;
  auto sink = Open(Format::kJsonl).ValueOrDie();
  ASSERT_TRUE(sink->Write(MakeBatch(0)).ok());
  const std::string documents = testing::ReadText(out() / "documents" / "batch-000000.jsonl");
  EXPECT_THAT(documents, HasSubstr(R"({"key":4,"A":[{"local_id":1,"id":4,)"));
  const Json manifest = ReadJson("manifest.json");
  EXPECT_EQ(manifest["local_id"], "uint16");
  EXPECT_EQ(manifest["tables"][0]["columns"][0].dump(),
            R"({"name":"local_id","type":"uint16","nullable":false})");
}

TEST_F(RunDirectoryTest, ATableWithALocalIdOfItsOwnIsRefusedByName) {
  const auto schema = arrow::schema({arrow::field("local_id", arrow::int64())});
  const testing::FakeReader reader(schema, {schema});
  const Job job = Job().Key({"local_id"}).Add(Table::Named("A").SelectsKeys());
  const OutputOptions options = {.dir = out(), .local_id = LocalId::kUint32};
  const arrow::Status status = OpenRunDirectory(options, job, nullptr, reader).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
  EXPECT_THAT(status.message(), HasSubstr("table \"A\": it has a column \"local_id\""));
}

TEST_F(RunDirectoryTest, SizesAndChecksumsOfTheLogAreThoseOfTheFiles) {
  auto sink = Open(Format::kArrow).ValueOrDie();
  ASSERT_TRUE(sink->Write(MakeBatch(0)).ok());
  const Json line = ReadJson("batches.jsonl");
  for (const auto& [name, table] : line["tables"].items()) {
    const std::string bytes = testing::ReadText(out() / table["file"].get<std::string>());
    const auto stored = WriteTextDurably(temporary_.path() / "copy", bytes).ValueOrDie();
    EXPECT_EQ(table["bytes"], stored.bytes) << name;
    EXPECT_EQ(table["xxh3_64"], stored.xxh3_64) << name;
  }
}

TEST_F(RunDirectoryTest, TheSameBatchesGiveTheSameBytes) {
  std::vector<std::string> logs;
  for (int run = 0; run < 2; ++run) {
    auto sink = Open().ValueOrDie();
    for (int64_t i = 0; i < 3; ++i) ASSERT_TRUE(sink->Write(MakeBatch(i)).ok());
    logs.push_back(testing::ReadText(out() / "batches.jsonl"));
    std::filesystem::remove_all(out());
  }
  EXPECT_EQ(logs[0], logs[1]);  // with a checksum of each file
}

TEST_F(RunDirectoryTest, WithFixedTiesEqualBatchesGiveTheSameBytes) {
  const Rows nulls =
      testing::RowsOf({{"id", testing::ArrayOf(arrow::int64(), "[1, 1, 4, 4]")},
                       {"body", testing::ArrayOf(arrow::utf8(), R"(["x", null, "z", null])")}});
  std::vector<Rows> equal = {nulls};
  for (const auto& [how, rows] : testing::EqualInOtherBuffers(nulls)) equal.push_back(rows);
  std::set<std::string> logs;
  for (const Rows& rows : equal) {
    const Batch like = MakeBatch(0);
    std::vector<BatchTable> tables = like.tables();
    tables[0].rows = rows;
    auto sink = Open(Format::kArrow, Ties::kFixed).ValueOrDie();
    ASSERT_TRUE(sink->Write({0, like.keys(), tables}).ok());
    logs.insert(testing::ReadText(out() / "batches.jsonl"));
    std::filesystem::remove_all(out());
  }
  EXPECT_EQ(logs.size(), 1U);
}

TEST_F(RunDirectoryTest, SuccessComesWithFinishOnlyAndHoldsTheTotals) {
  auto sink = Open().ValueOrDie();
  ASSERT_TRUE(sink->Write(MakeBatch(0)).ok());
  ASSERT_TRUE(sink->Write(MakeBatch(1)).ok());
  EXPECT_FALSE(std::filesystem::exists(out() / "_SUCCESS"));
  Metrics metrics;
  metrics.tables.resize(2);
  metrics.tables[0].name = "A";
  metrics.tables[0].rows_read = 9;
  metrics.tables[0].rows_delivered = 8;
  metrics.tables[0].orphans = 1;
  metrics.tables[0].rows_per_key = {.min = 0,
                                    .mean = 2,
                                    .p50 = 2,
                                    .p99 = 4,
                                    .max = 4,
                                    .largest = {{MakeBatch(0).keys()->Slice(1, 1), 4}}};
  metrics.tables[1].name = "P";
  metrics.tables[1].orphans = std::nullopt;
  ASSERT_TRUE(sink->Finish(metrics).ok());
  const Json totals = ReadJson("_SUCCESS");
  EXPECT_EQ(totals["batches"], 2);
  EXPECT_EQ(totals["keys"], 4);
  EXPECT_EQ(totals["rows"], 8);
  EXPECT_EQ(totals["tables"]["A"].dump(),
            R"({"rows_read":9,"rows_delivered":8,"orphans":1,"null_keys":0,"duplicates":0,)"
            R"("keys_without_rows":0,"rows_per_key":{"min":0,"mean":2.0,"p50":2,"p99":4,"max":4,)"
            R"("largest":[{"key":{"id":4},"rows":4}]}})");
  EXPECT_TRUE(totals["tables"]["P"]["orphans"].is_null());
}

TEST_F(RunDirectoryTest, ARunWithoutBatchesIsComplete) {
  auto sink = Open().ValueOrDie();
  ASSERT_TRUE(sink->Finish({}).ok());
  EXPECT_EQ(ReadJson("_SUCCESS")["batches"], 0);
}

TEST_F(RunDirectoryTest, NothingIsAddedToACompleteRun) {
  auto sink = Open().ValueOrDie();
  ASSERT_TRUE(sink->Finish({}).ok());
  EXPECT_THAT(sink->Write(MakeBatch(0)).message(), HasSubstr("is complete"));
  EXPECT_FALSE(sink->Finish({}).ok());
}

TEST_F(RunDirectoryTest, ADirectoryThatIsNotEmptyIsRefusedUntouched) {
  std::filesystem::create_directories(out());
  std::ofstream(out() / "mine") << "text";
  const auto sink = Open();
  EXPECT_EQ(KindOf(sink.status()), ErrorKind::kEngine);
  EXPECT_EQ(sink.status().message(), "output directory \"" + out().string() +
                                         "\" is not empty; choose another or remove it");
  EXPECT_THAT(Entries(), ElementsAre("mine"));
}

TEST_F(RunDirectoryTest, ADirectoryThatARunWritesToIsRefusedUntouched) {
  auto sink = Open().ValueOrDie();
  const auto before = Entries();
  const auto second = Open(Format::kJsonl);
  EXPECT_EQ(KindOf(second.status()), ErrorKind::kEngine);
  EXPECT_THAT(second.status().message(), HasSubstr("another run writes to output directory"));
  EXPECT_EQ(Entries(), before);
  sink.reset();
  EXPECT_THAT(Open().status().message(), HasSubstr("is not empty"));
}

TEST_F(RunDirectoryTest, OfTwoRunsThatStartTogetherOneWins) {
  for (int i = 0; i < 20; ++i) {
    arrow::Result<std::unique_ptr<Sink>> documents = arrow::Status::UnknownError("not opened");
    std::thread other([&] { documents = Open(Format::kJsonl); });
    const auto tables = Open(Format::kParquet);
    other.join();
    ASSERT_NE(tables.ok(), documents.ok()) << tables.status() << "; " << documents.status();
    EXPECT_EQ(ReadJson("manifest.json")["format"], tables.ok() ? "parquet" : "jsonl");
    EXPECT_EQ(Entries(),
              tables.ok() ? std::set<std::string>({"A", "P", "batches.jsonl", "manifest.json"})
                          : std::set<std::string>({"batches.jsonl", "documents", "manifest.json"}));
    std::filesystem::remove_all(out());
  }
}

TEST_F(RunDirectoryTest, AnEmptyDirectoryIsTaken) {
  std::filesystem::create_directories(out());
  EXPECT_TRUE(Open().ok());
}

TEST_F(RunDirectoryTest, AFileInPlaceOfTheDirectoryIsRefused) {
  std::ofstream(out()) << "text";
  EXPECT_THAT(Open().status().message(), AllOf(HasSubstr("cannot use"), HasSubstr("directory")));
}

TEST_F(RunDirectoryTest, AnOpenThatFailsLeavesNothing) {
  {
    const testing::FileSizeLimit limit(10);  // too small for the manifest
    EXPECT_THAT(Open().status().message(), HasSubstr("manifest.json\": File too large"));
  }
  EXPECT_THAT(temporary_.Entries(), IsEmpty());
  EXPECT_TRUE(Open().ok()) << "so that it can be tried again";
}

TEST_F(RunDirectoryTest, AFullDiskLeavesTheBatchesBeforeAndNoTraceOfThisOne) {
  auto sink = Open().ValueOrDie();
  ASSERT_TRUE(sink->Write(MakeBatch(0)).ok());
  const auto before = Entries();
  const std::string log = testing::ReadText(out() / "batches.jsonl");
  {
    const testing::FileSizeLimit limit(600);
    const arrow::Status status = sink->Write(MakeBatch(1));
    EXPECT_EQ(KindOf(status), ErrorKind::kEngine);
    EXPECT_THAT(status.message(), HasSubstr("/batch-000001.parquet\": File too large"));
  }
  EXPECT_EQ(Entries(), before);
  EXPECT_EQ(testing::ReadText(out() / "batches.jsonl"), log);
}

TEST_F(RunDirectoryTest, FilesOfOtherTablesAreTakenBackWhenOneFails) {
  auto sink = Open().ValueOrDie();
  std::filesystem::remove(out() / "P");
  std::ofstream(out() / "P") << "a file in place of the folder";
  EXPECT_THAT(sink->Write(MakeBatch(0)).message(),
              HasSubstr("P/batch-000000.parquet\": Not a directory"));
  EXPECT_THAT(Entries(), ElementsAre("A", "P", "batches.jsonl", "manifest.json"));
}

TEST_F(RunDirectoryTest, ABatchWhoseLogLineFailsIsTakenBack) {
  auto sink = Open().ValueOrDie();
  // Small files, a log that has grown past them: only the line meets the limit.
  int64_t index = 0;
  while (std::filesystem::file_size(out() / "batches.jsonl") < 4000) {
    ASSERT_TRUE(sink->Write(MakeBatch(index++)).ok());
  }
  const auto before = Entries();
  {
    const testing::FileSizeLimit limit(4050);
    EXPECT_THAT(sink->Write(MakeBatch(index)).message(),
                HasSubstr("batches.jsonl\": File too large"));
  }
  EXPECT_EQ(Entries(), before);
}

TEST_F(RunDirectoryTest, TheFirstErrorIsFinal) {
  auto sink = Open().ValueOrDie();
  std::filesystem::remove(out() / "P");
  const arrow::Status status = sink->Write(MakeBatch(0));
  ASSERT_FALSE(status.ok());
  std::filesystem::create_directory(out() / "P");
  EXPECT_EQ(sink->Write(MakeBatch(0)), status);
  EXPECT_EQ(sink->Finish({}), status);
  EXPECT_FALSE(std::filesystem::exists(out() / "_SUCCESS"));
}

TEST_F(RunDirectoryTest, AGapBetweenBatchesIsAnError) {
  auto sink = Open().ValueOrDie();
  EXPECT_EQ(sink->Write(MakeBatch(1)).message(), "batch 1 was handed in where batch 0 is next");
}

TEST_F(RunDirectoryTest, ABatchOfAnotherJobIsAnError) {
  auto sink = Open().ValueOrDie();
  names_[0] = "B";
  EXPECT_THAT(sink->Write(MakeBatch(0)).message(), HasSubstr("other tables or columns"));
}

TEST_F(RunDirectoryTest, NamesOfTablesMayHoldAnyCharacters) {
  names_ = {"größe \"x\"", "-a b.c 'ü' %20 \\"};
  auto sink = Open().ValueOrDie();
  ASSERT_TRUE(sink->Write(MakeBatch(0)).ok());
  const Json line = ReadJson("batches.jsonl");
  for (const std::string& name : names_) {
    EXPECT_TRUE(std::filesystem::exists(out() / name / "batch-000000.parquet")) << name;
    EXPECT_EQ(line["tables"][name]["file"], name + "/batch-000000.parquet");
  }
}

TEST_F(RunDirectoryTest, AColumnThatTheFormatLacksIsRefusedWithItsTable) {
  const auto schema = arrow::schema({arrow::field("pause", arrow::month_interval())});
  const testing::FakeReader reader(schema, {schema});
  const Job job = Job().Key({"id"}).Add(Table::Named("A").SelectsKeys());
  const auto sink = OpenRunDirectory({.dir = out()}, job, nullptr, reader);
  EXPECT_EQ(KindOf(sink.status()), ErrorKind::kEngine);
  EXPECT_THAT(sink.status().message(),
              AllOf(HasSubstr("table \"A\": column \"pause\""), HasSubstr("format = \"arrow\"")));
  EXPECT_THAT(temporary_.Entries(), IsEmpty());
}

}  // namespace
}  // namespace sheaf
