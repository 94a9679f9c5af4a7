#include "cogroup/rank_scatter.h"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "cogroup/rows_by_place.h"
#include "parallel/parallel.h"

namespace sheaf {
namespace {

constexpr const char* kRank = "";  // the name of the column of ranks; tables may have it too
constexpr int64_t kOrphan = -1;

// As many keys as have rows that a core's cache holds: rows are put in order a partition at a time.
constexpr int kMinPartitionBits = 13;

int PartitionBits(int64_t keys, int64_t max_partitions) {
  int bits = kMinPartitionBits;
  while (keys >> bits >= max_partitions) ++bits;
  return bits;
}

}  // namespace

RankScatter::RankScatter(const TableInput& input, const KeySet& keys, size_t at_once,
                         MemoryBudget* budget, TableCounters* counters)
    : keys_(keys),
      packing_(input.schema),
      partition_bits_(
          PartitionBits(keys.size(), MaxPartitions(at_once, input.schema->num_fields(), *budget))),
      schema_(
          packing_.schema()
              ->AddField(input.schema->num_fields(), arrow::field(kRank, arrow::uint32(), false))
              .ValueOrDie()),  // appending a field can't fail
      counters_(counters) {
  for (int64_t rank = 0; rank < keys.size(); rank += int64_t{1} << partition_bits_) {
    scattered_.first_ranks.push_back(rank);
  }
  const size_t partitions = scattered_.first_ranks.size();
  scattered_.first_ranks.push_back(keys.size());
  scattered_.bytes.resize(partitions);
  scattered_.has_ranks = true;
  scattered_.rows =
      MakeRows(schema_, partitions,
               {.partitions = partitions, .tables = at_once, .threads = Cores()}, budget);
}

arrow::Status RankScatter::Prepare(Chunk* chunk) const {
  ARROW_RETURN_NOT_OK(keys_.Ranks(chunk->keys, &chunk->ranks));
  chunk->keys = {};
  return arrow::Status::OK();
}

arrow::Status RankScatter::Add(const Chunk& chunk) {
  const std::vector<int64_t>& ranks = chunk.ranks;
  const size_t partitions = scattered_.bytes.size();
  std::vector<uint32_t> low_ranks(ranks.size());
  std::vector<uint32_t> partition_of(ranks.size());  // the number of partitions for an orphan
  for (size_t i = 0; i < ranks.size(); ++i) {
    low_ranks[i] = static_cast<uint32_t>(ranks[i]);
    partition_of[i] = static_cast<uint32_t>(ranks[i] == kOrphan ? static_cast<int64_t>(partitions)
                                                                : ranks[i] >> partition_bits_);
  }
  RowsByPlace by_partition;
  by_partition.Sort(partition_of, partitions + 1);
  const size_t orphans = by_partition.Of(partitions).size();
  counters_->orphans += static_cast<int64_t>(orphans);
  if (orphans == ranks.size()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto packed, packing_.Pack(chunk.rows));
  arrow::ArrayVector columns = packed->columns();
  columns.push_back(
      std::make_shared<arrow::UInt32Array>(std::ssize(low_ranks), arrow::Buffer::Wrap(low_ranks)));
  const SegmentSource source(
      arrow::RecordBatch::Make(schema_, packed->num_rows(), std::move(columns)));
  return scattered_.Append(source, by_partition, &mutex_).status();
}

arrow::Result<ScatteredRows> RankScatter::Finish() {
  ARROW_RETURN_NOT_OK(scattered_.rows->MakeRoom());
  scattered_.CountSegments();
  return std::move(scattered_);
}

}  // namespace sheaf
