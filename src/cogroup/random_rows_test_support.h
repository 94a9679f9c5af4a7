// Random rows with a column of every layout that rows have in memory, for the tests of what moves rows.
#pragma once

#include <arrow/api.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>

namespace sheaf::testing {

inline std::shared_ptr<arrow::Schema> AllLayouts() {
  return arrow::schema(
      {arrow::field("i8", arrow::int8()), arrow::field("i16", arrow::int16()),
       arrow::field("f4", arrow::float32()), arrow::field("i64", arrow::int64()),
       arrow::field("d16", arrow::decimal128(20, 2)),
       arrow::field("b3", arrow::fixed_size_binary(3)), arrow::field("bool", arrow::boolean()),
       arrow::field("text", arrow::utf8()), arrow::field("large", arrow::large_binary()),
       arrow::field("list", arrow::list(arrow::int32())), arrow::field("null", arrow::null())});
}

/// Those that segments hold: the first columns of the others.
inline std::shared_ptr<arrow::Schema> FlatLayouts() {
  const arrow::FieldVector all = AllLayouts()->fields();
  return arrow::schema(arrow::FieldVector(all.begin(), all.end() - 2));
}

/// `nulls`: one value in so many is null; 0: none is.
inline std::shared_ptr<arrow::RecordBatch> RandomRows(std::mt19937* random, int64_t rows,
                                                      int nulls) {
  const auto schema = AllLayouts();
  std::unique_ptr<arrow::RecordBatchBuilder> builder =
      arrow::RecordBatchBuilder::Make(schema, arrow::default_memory_pool()).ValueOrDie();
  const auto below = [random](int end) {
    return static_cast<int>((*random)() % static_cast<unsigned>(end));
  };
  for (int64_t i = 0; i < rows; ++i) {
    for (int c = 0; c < schema->num_fields(); ++c) {
      arrow::ArrayBuilder* column = builder->GetField(c);
      const int value = below(200) - 100;
      const std::string text(static_cast<size_t>(below(20)), static_cast<char>('a' + below(26)));
      if (c == 10 || (nulls > 0 && below(nulls) == 0)) {
        static_cast<void>(column->AppendNull());
        continue;
      }
      switch (c) {
        case 6:
          static_cast<void>(static_cast<arrow::BooleanBuilder*>(column)->Append(value > 0));
          break;
        case 5:
          static_cast<void>(static_cast<arrow::FixedSizeBinaryBuilder*>(column)->Append(
              (text + "xyz").substr(0, 3)));
          break;
        case 7:
          static_cast<void>(static_cast<arrow::StringBuilder*>(column)->Append(text));
          break;
        case 8:
          static_cast<void>(static_cast<arrow::LargeBinaryBuilder*>(column)->Append(text));
          break;
        case 9: {
          auto* list = static_cast<arrow::ListBuilder*>(column);
          static_cast<void>(list->Append());
          for (int k = below(3); k > 0; --k) {
            static_cast<void>(
                static_cast<arrow::Int32Builder*>(list->value_builder())->Append(value));
          }
          break;
        }
        default:
          static_cast<void>(column->AppendScalar(
              *arrow::MakeScalar(schema->field(c)->type(), value).ValueOrDie()));
      }
    }
  }
  return builder->Flush().ValueOrDie();
}

inline std::shared_ptr<arrow::RecordBatch> RandomFlatRows(std::mt19937* random, int64_t rows,
                                                          int nulls) {
  const auto all = RandomRows(random, rows, nulls);
  arrow::ArrayVector columns = all->columns();
  columns.resize(columns.size() - 2);
  return arrow::RecordBatch::Make(FlatLayouts(), rows, std::move(columns));
}

/// The same rows with column "text" as views: some longer than what a view holds itself.
inline std::shared_ptr<arrow::RecordBatch> WithViews(
    const std::shared_ptr<arrow::RecordBatch>& rows) {
  const int column = rows->schema()->GetFieldIndex("text");
  const auto& texts = static_cast<const arrow::StringArray&>(*rows->column(column));
  arrow::StringViewBuilder builder;
  for (int64_t i = 0; i < texts.length(); ++i) {
    static_cast<void>(texts.IsNull(i) ? builder.AppendNull() : builder.Append(texts.GetView(i)));
  }
  return rows
      ->SetColumn(column, arrow::field("text", arrow::utf8_view()), builder.Finish().ValueOrDie())
      .ValueOrDie();
}

}  // namespace sheaf::testing
