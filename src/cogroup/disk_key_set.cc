#include "cogroup/disk_key_set.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <string_view>
#include <type_traits>
#include <variant>

#include "cogroup/rows_by_place.h"
#include "parallel/task_queue.h"

namespace sheaf {
namespace {

// Tables are a few ranges apart at most, and each loads some ahead.
constexpr size_t kMaxLoaded = 8;
// As few would do, but that two threads would drive each other's out.
constexpr size_t kMinLoaded = 2;

// Ranges whose keys are sorted at the same time: a disk is busy with them, and each takes memory, whatever the number
// of cores.
constexpr int64_t kRangesAtOnce = 4;
// What it takes to collect and sort keys, in bytes of these.
constexpr int64_t kSortingFactor = 3;

// On disk every key is a byte string: numbers in the machine's own order.
std::shared_ptr<arrow::Schema> FileSchema() {
  return arrow::schema({arrow::field("key", arrow::large_binary(), false)});
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToRows(const KeyVector& keys) {
  arrow::LargeBinaryBuilder builder;
  ARROW_RETURN_NOT_OK(std::visit(
      [&builder](const auto& values) -> arrow::Status {
        for (const auto& value : values) {
          if constexpr (std::is_same_v<std::decay_t<decltype(values)>, KeyVector::Strings>) {
            ARROW_RETURN_NOT_OK(builder.Append(value));
          } else {
            ARROW_RETURN_NOT_OK(
                builder.Append(reinterpret_cast<const uint8_t*>(&value), sizeof(value)));
          }
        }
        return arrow::Status::OK();
      },
      keys.values()));
  ARROW_ASSIGN_OR_RAISE(const auto array, builder.Finish());
  return arrow::RecordBatch::Make(FileSchema(), array->length(), {array});
}

// Keys in the form that `values` has.
KeyVector FromRows(const std::shared_ptr<arrow::RecordBatch>& rows, KeyVector::Values values) {
  const auto& array = static_cast<const arrow::LargeBinaryArray&>(*rows->column(0));
  std::visit(
      [&array](auto& keys) {
        keys.resize(static_cast<size_t>(array.length()));
        for (size_t i = 0; i < keys.size(); ++i) {
          const auto row = static_cast<int64_t>(i);
          if constexpr (std::is_same_v<std::decay_t<decltype(keys)>, KeyVector::Strings>) {
            keys[i] = array.GetView(row);
          } else {
            int64_t length = 0;  // that of the form
            std::memcpy(&keys[i], array.GetValue(row, &length), sizeof(keys[i]));
          }
        }
      },
      values);
  return KeyVector(std::move(values), rows);
}

// No key in the form of others.
KeyVector::Values FormOf(const KeyVector& keys) {
  return std::visit(
      [](const auto& values) { return KeyVector::Values(std::decay_t<decltype(values)>()); },
      keys.values());
}

}  // namespace

arrow::Result<std::unique_ptr<DiskKeySet>> DiskKeySet::Make(const KeyBounds& ranges,
                                                            int64_t max_bytes,
                                                            const AddKeys& add_keys) {
  ARROW_ASSIGN_OR_RAISE(auto file, SpillFile::Create(SpillDirectory(), FileSchema()));
  std::unique_ptr<DiskKeySet> set(new DiskKeySet(ranges, max_bytes, std::move(file)));
  const auto keys_of = [&](size_t range) -> arrow::Result<KeyVector> {
    KeySetBuilder builder;
    ARROW_RETURN_NOT_OK(add_keys(range, &builder));
    return builder.FinishEvery(1);
  };
  std::deque<std::future<arrow::Result<KeyVector>>> coming;
  int64_t range_bytes = max_bytes;   // of a range that is being sorted, as far as is known
  TaskQueue threads(kRangesAtOnce);  // last, for its tasks use all above
  for (size_t range = 0, next = 0; range < ranges.ranges(); ++range) {
    const auto at_once = std::clamp<int64_t>(max_bytes / range_bytes, 1, kRangesAtOnce);
    for (; next < ranges.ranges() && std::ssize(coming) < at_once; ++next) {
      coming.push_back(threads.Ask([&keys_of, next] { return keys_of(next); }));
    }
    ARROW_ASSIGN_OR_RAISE(const KeyVector keys, coming.front().get());
    coming.pop_front();
    range_bytes = std::max<int64_t>(kSortingFactor * keys.bytes(), 1);
    if (keys.size() > 0) set->form_ = FormOf(keys);
    ARROW_ASSIGN_OR_RAISE(const auto rows, ToRows(keys));
    ARROW_ASSIGN_OR_RAISE(const SpillFile::Block block, set->file_->Write(rows));
    set->blocks_.push_back(block);
    set->first_ranks_.push_back(set->size() + keys.size());
  }
  return set;
}

int64_t DiskKeySet::bytes() const {
  return std::ssize(blocks_) * static_cast<int64_t>(sizeof(SpillFile::Block) + sizeof(int64_t)) +
         ranges_.bounds().bytes();
}

arrow::Result<std::shared_ptr<const KeySet>> DiskKeySet::Load(size_t range) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(loaded_, range, &Loaded::first);
  if (found != loaded_.end()) return found->second;
  ARROW_ASSIGN_OR_RAISE(const auto rows, file_->Read(blocks_[range]));
  KeySetBuilder builder;
  builder.Add(FromRows(rows, form_));
  loaded_.emplace_back(range, builder.Finish());
  loaded_bytes_ += loaded_.back().second->bytes();
  while (loaded_.size() > kMaxLoaded ||
         (loaded_.size() > kMinLoaded && loaded_bytes_ > max_bytes_)) {
    loaded_bytes_ -= loaded_.front().second->bytes();
    loaded_.pop_front();
  }
  return loaded_.back().second;
}

arrow::Status DiskKeySet::Ranks(const KeyVector& keys, std::vector<int64_t>* ranks) const {
  std::vector<uint32_t> range_of;
  ranges_.Find(keys, &range_of);
  RowsByPlace by_range;
  by_range.Sort(range_of, ranges_.ranges());
  ranks->assign(static_cast<size_t>(keys.size()), -1);
  for (size_t range = 0; range < ranges_.ranges(); ++range) {
    const auto rows = by_range.Of(range);
    if (rows.empty()) continue;
    ARROW_ASSIGN_OR_RAISE(const auto set, Load(range));
    std::vector<int64_t> found;
    ARROW_RETURN_NOT_OK(set->Ranks(keys.Take({rows.begin(), rows.end()}), &found));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (found[i] >= 0) (*ranks)[rows[i]] = first_ranks_[range] + found[i];
    }
  }
  return arrow::Status::OK();
}

arrow::Status DiskKeySet::FirstRanks(const KeyBounds& /*ranges*/,
                                     std::vector<int64_t>* ranks) const {
  *ranks = first_ranks_;
  return arrow::Status::OK();
}

}  // namespace sheaf
