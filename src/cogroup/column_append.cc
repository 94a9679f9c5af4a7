#include "cogroup/column_append.h"

#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <type_traits>

namespace sheaf {
namespace {

struct NamedRows {
  std::span<const RowRef> refs;
  RowRef operator[](int64_t i) const { return refs[static_cast<size_t>(i)]; }
};

// The rows of one run; `first` is the row that would be number 0 of the list.
struct StandingRows {
  uint32_t piece;
  int64_t first;
  RowRef operator[](int64_t i) const { return {piece, static_cast<uint32_t>(first + i)}; }
};

// Rows stand in no order in memory: what a row is copied from is asked for so many rows before it, and what tells where
// that is twice as many. (The distance is found by trial. The method is known as software-pipelined prefetching: Chen,
// Ailamaki, Gibbons, Mowry: "Improving Hash Join Performance through Prefetching", 2004.)
constexpr int64_t kAhead = 32;
constexpr int64_t kLine = 64;  // bytes: most texts lie in no more than two

// Whether there are rows so far ahead of row `i` that are to be asked for. Those that stand in order come by themselves.
// (The caller asks: a function that does nothing else would be left out by the compiler.)
template <typename Rows>
bool AsksAhead(int64_t i, RowRange range) {
  return std::is_same_v<Rows, NamedRows> && i + 2 * kAhead < range.end;
}

}  // namespace

int64_t NumRows(std::span<const RowRun> runs) {
  int64_t rows = 0;
  for (const RowRun& run : runs) rows += run.num_rows();
  return rows;
}

std::vector<RowRun> RunsOf(std::span<const std::shared_ptr<arrow::RecordBatch>> pieces,
                           int64_t begin, int64_t end) {
  std::vector<RowRun> runs;
  int64_t start = 0;  // of the piece
  for (uint32_t p = 0; p < pieces.size(); ++p) {
    const int64_t from = std::max(begin - start, int64_t{0});
    const int64_t to = std::min(end - start, pieces[p]->num_rows());
    if (from < to) runs.push_back({p, from, to});
    start += pieces[p]->num_rows();
  }
  return runs;
}

RowList::RowList(std::span<const RowRef> named, std::span<const RowRun> standing)
    : refs(named), runs(standing), count(refs.empty() ? NumRows(runs) : std::ssize(refs)) {}

ColumnAppend::ColumnAppend(int column, const arrow::DataType& type, Pieces pieces, RowList rows,
                           size_t chunks)
    : kind_(KindOf(type)),
      width_(kind_ == ColumnKind::kFixed ? type.byte_width() : 0),
      rows_(rows),
      nulls_(chunks),
      bytes_(chunks) {
  sources_.reserve(pieces.size());
  for (const auto& piece : pieces) sources_.emplace_back(*piece->column_data(column), kind_);
}

bool ColumnAppend::has_nulls() const {
  return std::ranges::any_of(sources_, [](const auto& source) { return source.has_nulls(); });
}

// Calls `visit` with what names the rows, part by part; runs are never taken but together.
template <typename Visit>
void ColumnAppend::WithRows(RowRange range, const Visit& visit) const {
  if (!rows_.refs.empty()) {
    visit(NamedRows{rows_.refs}, range);
    return;
  }
  int64_t number = 0;
  for (const RowRun& run : rows_.runs) {
    visit(StandingRows{run.piece, run.begin - number}, RowRange{number, number + run.num_rows()});
    number += run.num_rows();
  }
}

void ColumnAppend::Measure(size_t chunk, RowRange rows) {
  if (!IsBinary(kind_)) return;
  if (rows_.runs.empty()) {
    bytes_[chunk] = kind_ == ColumnKind::kBinary ? BytesOf<int32_t>(rows) : BytesOf<int64_t>(rows);
  }
  for (const RowRun& run : rows_.runs) {
    bytes_[chunk] += TextBytes(sources_[run.piece], kind_, run.begin, run.end);
  }
}

template <typename Offset>
int64_t ColumnAppend::BytesOf(RowRange range) const {
  const NamedRows rows{rows_.refs};
  int64_t bytes = 0;
  for (int64_t i = range.begin; i < range.end; ++i) {
    if (AsksAhead<NamedRows>(i, range)) {
      const RowRef far = rows[i + 2 * kAhead];
      __builtin_prefetch(sources_[far.piece].template PlaceOf<Offset>(far.row));
    }
    const RowRef ref = rows[i];
    bytes += sources_[ref.piece].template Length<Offset>(ref.row);
  }
  return bytes;
}

int64_t ColumnAppend::heap_bytes() const { return std::reduce(bytes_.begin(), bytes_.end()); }

void ColumnAppend::PutAt(const Room& room) { room_ = room; }

void ColumnAppend::FillBits(size_t chunk, RowRange rows) {
  if (room_.validity != nullptr) nulls_[chunk] = FillValidity(rows);
  if (kind_ == ColumnKind::kBool) FillBool(rows);
}

int64_t ColumnAppend::FillValidity(RowRange range) const {
  int64_t nulls = 0;
  WithRows(range, [&](const auto& rows, RowRange part) {
    for (int64_t i = part.begin; i < part.end; ++i) {
      const RowRef ref = rows[i];
      const bool valid = sources_[ref.piece].IsValid(ref.row);
      arrow::bit_util::SetBitTo(room_.validity, room_.row + i, valid);
      nulls += valid ? 0 : 1;
    }
  });
  return nulls;
}

void ColumnAppend::FillBool(RowRange range) const {
  WithRows(range, [&](const auto& rows, RowRange part) {
    for (int64_t i = part.begin; i < part.end; ++i) {
      const RowRef ref = rows[i];
      arrow::bit_util::SetBitTo(room_.values, room_.row + i, sources_[ref.piece].Bool(ref.row));
    }
  });
}

int64_t ColumnAppend::null_count() const { return std::reduce(nulls_.begin(), nulls_.end()); }

void ColumnAppend::Fill(size_t chunk, RowRange rows) const {
  switch (kind_) {
    case ColumnKind::kFixed:
      FillFixed(rows);
      break;
    case ColumnKind::kBinary:
      FillBinary<int32_t>(chunk, rows);
      break;
    case ColumnKind::kLargeBinary:
      FillBinary<int64_t>(chunk, rows);
      break;
    case ColumnKind::kBool:
    case ColumnKind::kOther:
      break;
  }
}

void ColumnAppend::FillFixed(RowRange range) const {
  uint8_t* to = room_.values + (room_.row + range.begin) * width_;
  WithRows(range, [&]<typename Rows>(const Rows& rows, RowRange part) {
    if constexpr (std::is_same_v<Rows, StandingRows>) {
      if (part.begin == part.end) return;  // there may be no values at all
      const RowRef first = rows[part.begin];
      const int64_t bytes = (part.end - part.begin) * width_;
      std::memcpy(to, sources_[first.piece].Fixed(first.row, width_), static_cast<size_t>(bytes));
      to += bytes;
    } else {
      WithWidth(width_, [&](auto constant) {
        const int width = constant > 0 ? constant : width_;
        for (int64_t i = part.begin; i < part.end; ++i) {
          if (AsksAhead<Rows>(i, part)) {
            const RowRef far = rows[i + 2 * kAhead];
            __builtin_prefetch(sources_[far.piece].Fixed(far.row, width));
          }
          const RowRef ref = rows[i];
          std::memcpy(to, sources_[ref.piece].Fixed(ref.row, width), static_cast<size_t>(width));
          to += width;
        }
      });
    }
  });
}

template <typename Offset>
void ColumnAppend::FillBinary(size_t chunk, RowRange range) const {
  auto* const offsets = reinterpret_cast<Offset*>(room_.values) + room_.row + 1;
  const auto before = bytes_.begin() + static_cast<std::ptrdiff_t>(chunk);
  uint8_t* to = room_.heap + room_.heap_size + std::reduce(bytes_.begin(), before);
  const uint8_t* const end = to + *before;
  WithRows(range, [&]<typename Rows>(const Rows& rows, RowRange part) {
    for (int64_t i = part.begin; i < part.end; ++i) {
      if (AsksAhead<Rows>(i, part)) {
        const RowRef far = rows[i + 2 * kAhead];
        __builtin_prefetch(sources_[far.piece].template PlaceOf<Offset>(far.row));
        const RowRef near = rows[i + kAhead];
        const Text soon = sources_[near.piece].template TextAt<Offset>(near.row);
        __builtin_prefetch(soon.begin);
        __builtin_prefetch(soon.begin + kLine - 1);
      }
      const RowRef ref = rows[i];
      const Text text = sources_[ref.piece].template TextAt<Offset>(ref.row);
      CopyText(to, end, text);
      to += text.size;
      offsets[i] = static_cast<Offset>(to - room_.heap);
    }
  });
}

}  // namespace sheaf
