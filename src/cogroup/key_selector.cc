#include "cogroup/key_selector.h"

#include <arrow/table.h>

#include <algorithm>
#include <utility>

#include "cogroup/take_rows.h"

namespace sheaf {
namespace {

// Keys of a portion as long as some table has not told how many bytes its rows have.
constexpr int64_t kUntoldKeys = 256;

// A window that ends by bytes comes in so many portions, so that it has not many more than it should; or in fewer, for
// a small portion costs more than its rows.
constexpr double kLeastPortions = 4;
constexpr double kLeastPortionBytes = 1 << 20;

}  // namespace

KeySelector::KeySelector(std::vector<bool> selects, int32_t max_keys, int32_t portion_keys,
                         int64_t max_bytes)
    : max_keys_(max_keys),
      portion_keys_(portion_keys),
      max_bytes_(static_cast<double>(max_bytes)),
      tables_(selects.size()) {
  for (size_t t = 0; t < selects.size(); ++t) tables_[t].selects = selects[t];
}

KeySelector::Turn KeySelector::Next(size_t table) {
  std::unique_lock lock(mutex_);
  TableState& state = tables_[table];
  const auto ready = [&] {
    return state.next_portion < first_portion_ + static_cast<int64_t>(portions_.size());
  };
  // A table far ahead of the others waits: its keys can't be placed before theirs are known.
  const auto may_read = [&] {
    return state.selects && !state.finished && state.pending < max_keys_;
  };
  changed_.wait(lock, [&] { return closed_ || all_emitted_ || ready() || may_read(); });
  if (closed_) return {Turn::Kind::kClosed, nullptr};
  if (ready()) {
    Turn turn{Turn::Kind::kCut,
              portions_[static_cast<size_t>(state.next_portion - first_portion_)]};
    ++state.next_portion;
    int64_t oldest = state.next_portion;
    for (const TableState& other : tables_) oldest = std::min(oldest, other.next_portion);
    for (; first_portion_ < oldest; ++first_portion_) portions_.pop_front();
    return turn;
  }
  if (all_emitted_) return {};
  return {Turn::Kind::kRead, nullptr};
}

arrow::Status KeySelector::Announce(size_t table, const KeyVector& keys,
                                    const std::shared_ptr<arrow::RecordBatch>& key_rows) {
  // Only this table's thread writes `last`, so it is read without the lock.
  TableState& state = tables_[table];
  std::vector<int64_t> runs = keys.RunStarts();
  if (state.last.size() > 0 && CompareKeys(keys, 0, state.last, 0) == 0) runs.erase(runs.begin());
  if (runs.empty()) return arrow::Status::OK();
  state.last = keys.Take({keys.size() - 1});
  const auto count = static_cast<int64_t>(runs.size());
  Announced announced;
  announced.keys = count == keys.size() ? keys : keys.Take(runs);
  announced.rows = key_rows;
  if (count < key_rows->num_rows()) {
    ARROW_ASSIGN_OR_RAISE(announced.rows, TakeRows(key_rows, std::move(runs)));
  }
  const std::lock_guard lock(mutex_);
  state.announced.push_back(std::move(announced));
  state.pending += count;
  return Advance();
}

arrow::Status KeySelector::Finish(size_t table) {
  const std::lock_guard lock(mutex_);
  tables_[table].finished = true;
  return Advance();
}

void KeySelector::AddBytes(size_t table, int64_t keys, int64_t bytes) {
  const std::lock_guard lock(mutex_);
  tables_[table].key_bytes = static_cast<double>(bytes) / static_cast<double>(keys);
}

void KeySelector::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::optional<int64_t> KeySelector::total_keys() const {
  const std::lock_guard lock(mutex_);
  if (!all_emitted_) return std::nullopt;
  return emitted_keys_;
}

int KeySelector::CompareHeads(const TableState& a, const TableState& b) {
  const Announced& x = a.announced.front();
  const Announced& y = b.announced.front();
  return CompareKeys(x.keys, x.next, y.keys, y.next);
}

KeySelector::Head KeySelector::SmallestHead() {
  Head head;
  for (TableState& table : tables_) {
    if (!table.selects) continue;
    if (table.announced.empty()) {
      head.known = head.known && table.finished;
      continue;
    }
    head.alone = head.table == nullptr;
    if (head.table == nullptr || CompareHeads(table, *head.table) < 0) head.table = &table;
  }
  return head;
}

// The same key of another table is the same key.
void KeySelector::DropRepeats(const TableState& smallest) {
  for (TableState& table : tables_) {
    if (&table == &smallest || table.announced.empty()) continue;
    if (CompareHeads(table, smallest) != 0) continue;
    Announced& front = table.announced.front();
    --table.pending;
    if (++front.next == front.keys.size()) table.announced.pop_front();
  }
}

// Moves keys into portions as far as no table can still announce a smaller one.
arrow::Status KeySelector::Advance() {
  const size_t before = portions_.size();
  while (true) {
    const Head head = SmallestHead();
    if (!head.known) break;
    if (head.table == nullptr) {  // all finished, all taken
      if (keys_.size() > 0) ARROW_RETURN_NOT_OK(Emit());
      all_emitted_ = true;
      break;
    }
    if (keys_.size() == 0) portion_room_ = PortionKeys();
    int64_t length = 1;
    if (head.alone) {
      const Announced& front = head.table->announced.front();
      length = std::min(front.keys.size() - front.next, Room());
    } else {
      DropRepeats(*head.table);
    }
    TakeRun(head.table, length);
    if (Room() == 0) ARROW_RETURN_NOT_OK(Emit());
  }
  // Where several tables select, the keys that were taken may let one read on.
  const bool several = std::ranges::count(tables_, true, &TableState::selects) > 1;
  if (several || all_emitted_ || portions_.size() > before) changed_.notify_all();
  return arrow::Status::OK();
}

void KeySelector::TakeRun(TableState* table, int64_t length) {
  Announced& front = table->announced.front();
  keys_.Append(front.keys, front.next, front.next + length);
  key_rows_.push_back(front.rows->Slice(front.next, length));
  front.next += length;
  table->pending -= length;
  if (front.next == front.keys.size()) table->announced.pop_front();
}

// Of the rows of a key, all tables that have told.
double KeySelector::KeyBytes() const {
  double bytes = 0;
  for (const TableState& table : tables_) bytes += table.key_bytes.value_or(0);
  return bytes;
}

// How many keys the next portion may have.
int64_t KeySelector::PortionKeys() const {
  int64_t keys = std::min(portion_keys_, max_keys_ - batch_keys_);
  if (max_bytes_ == static_cast<double>(kAnyBytes)) return keys;
  const bool told = std::all_of(tables_.begin(), tables_.end() - 1, [](const TableState& table) {
    return table.key_bytes.has_value();
  });
  if (!told) keys = std::min(keys, kUntoldKeys);
  const double bytes = std::clamp(kLeastPortionBytes, max_bytes_ / kLeastPortions, max_bytes_);
  const double fitting = bytes / std::max(1.0, KeyBytes());
  return std::max<int64_t>(1, static_cast<int64_t>(std::min(static_cast<double>(keys), fitting)));
}

arrow::Status KeySelector::Emit() {
  auto portion = std::make_shared<Window>();
  portion->keys = keys_.Finish();
  ARROW_ASSIGN_OR_RAISE(portion->key_rows, arrow::ConcatenateRecordBatches(key_rows_));
  key_rows_.clear();
  const int64_t keys = portion->keys.size();
  const double bytes = static_cast<double>(keys) * KeyBytes();
  window_bytes_ += bytes;
  batch_keys_ += keys;
  const double rest = std::max(0.0, max_bytes_ - window_bytes_);
  portion->ends_share = batch_keys_ == max_keys_ || rest < bytes;
  const int64_t follow = (max_keys_ - batch_keys_ + keys - 1) / keys;
  portion->portions =
      1 + static_cast<int64_t>(std::min(rest / std::max(1.0, bytes), static_cast<double>(follow)));
  if (batch_keys_ == max_keys_) batch_keys_ = 0;
  if (portion->ends_share) window_bytes_ = 0;
  emitted_keys_ += portion->keys.size();
  portions_.push_back(std::move(portion));
  return arrow::Status::OK();
}

}  // namespace sheaf
