//! Rows of a client whose text has been looked at. Arrow's kernels rely on it that text is UTF-8, and what they do with
//! other bytes is undefined: they read and write where they must not.

use adbc_core::error::Status;
use datafusion::arrow::array::{
    Array, AsArray, GenericListArray, GenericStringArray, OffsetSizeTrait, RecordBatch,
    RecordBatchReader,
};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::error::ArrowError;

use crate::error::{error, to_arrow};

type ArrowResult<T> = std::result::Result<T, ArrowError>;

/// The batches of a reader; one with text that is not UTF-8 is an error.
pub(crate) struct ValidText(pub(crate) Box<dyn RecordBatchReader + Send>);

impl Iterator for ValidText {
    type Item = ArrowResult<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|batch| batch.and_then(checked))
    }
}

impl RecordBatchReader for ValidText {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
}

fn checked(batch: RecordBatch) -> ArrowResult<RecordBatch> {
    let schema = batch.schema_ref();
    let mut columns = schema.fields().iter().zip(batch.columns());
    match columns.find(|(_, column)| !is_valid(column.as_ref())) {
        Some((field, _)) => Err(to_arrow(error(
            Status::InvalidData,
            format!("column '{}' has text that is not UTF-8", field.name()),
        ))),
        None => Ok(batch),
    }
}

fn is_valid(array: &dyn Array) -> bool {
    match array.data_type() {
        DataType::Utf8 => is_utf8(array.as_string::<i32>()),
        DataType::LargeUtf8 => is_utf8(array.as_string::<i64>()),
        DataType::Struct(_) => {
            let mut columns = array.as_struct().columns().iter();
            columns.all(|column| is_valid(column.as_ref()))
        }
        DataType::List(_) => has_valid_items(array.as_list::<i32>()),
        DataType::LargeList(_) => has_valid_items(array.as_list::<i64>()),
        DataType::FixedSizeList(..) => is_valid(array.as_fixed_size_list().values().as_ref()),
        DataType::Map(..) => {
            let map = array.as_map();
            let (first, count) = span(map.value_offsets());
            is_valid(&map.entries().slice(first, count))
        }
        DataType::Dictionary(..) => is_valid(array.as_any_dictionary().values().as_ref()),
        DataType::Utf8View
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Union(..)
        | DataType::RunEndEncoded(..) => array.to_data().validate_full().is_ok(),
        _ => true,
    }
}

/// Looks at the array's own part of a buffer, which it may share with many slices.
fn is_utf8<O: OffsetSizeTrait>(array: &GenericStringArray<O>) -> bool {
    let offsets = array.value_offsets();
    let (first, count) = span(offsets);
    let own = array
        .value_data()
        .get(first..)
        .and_then(|data| data.get(..count));
    let Some(text) = own.and_then(|own| std::str::from_utf8(own).ok()) else {
        return false;
    };
    let is_boundary = |at: &O| text.is_char_boundary(at.as_usize().wrapping_sub(first));
    offsets.is_sorted() && offsets.iter().all(is_boundary)
}

fn has_valid_items<O: OffsetSizeTrait>(list: &GenericListArray<O>) -> bool {
    let (first, count) = span(list.value_offsets());
    is_valid(list.values().slice(first, count).as_ref())
}

/// Where the values between some offsets start, and how many they are.
fn span<O: OffsetSizeTrait>(offsets: &[O]) -> (usize, usize) {
    let (first, last) = (offsets[0].as_usize(), offsets[offsets.len() - 1].as_usize());
    (first, last.wrapping_sub(first))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{
        ArrayRef, BinaryArray, BinaryViewArray, DictionaryArray, FixedSizeListArray, Int32Array,
        Int64Array, LargeBinaryArray, LargeListArray, ListArray, MapArray, RecordBatchIterator,
        StructArray, make_array,
    };
    use datafusion::arrow::buffer::OffsetBuffer;
    use datafusion::arrow::datatypes::{Field, Fields, Schema};

    use super::*;
    use crate::error::from_arrow;

    /// Bytes as text that nobody has looked at, as a client's arrives.
    fn text_of(bytes: impl Array, kind: DataType) -> ArrayRef {
        let data = bytes.to_data().into_builder().data_type(kind);
        // SAFETY: nothing takes it for text but what is tested.
        make_array(unsafe { data.build_unchecked() })
    }

    fn text(values: &[&[u8]]) -> ArrayRef {
        text_of(BinaryArray::from_iter_values(values), DataType::Utf8)
    }

    /// One row of each type that holds text, made of `value`.
    fn in_every_type(value: &[u8]) -> Vec<ArrayRef> {
        let plain = || text(&[value]);
        let item = || Arc::new(Field::new("item", DataType::Utf8, true));
        let entry = Fields::from(vec![
            Field::new("keys", DataType::Int32, false),
            Field::new("values", DataType::Utf8, true),
        ]);
        let one = || OffsetBuffer::from_lengths([1]);
        let keys = || Int32Array::from(vec![0]);
        let entries = StructArray::new(entry.clone(), vec![Arc::new(keys()), plain()], None);
        let entry = Arc::new(Field::new("entries", DataType::Struct(entry), false));
        let map = MapArray::new(entry, one(), entries.clone(), None, false);
        let large = LargeListArray::new(item(), OffsetBuffer::from_lengths([1]), plain(), None);
        vec![
            plain(),
            text_of(
                LargeBinaryArray::from_iter_values([value]),
                DataType::LargeUtf8,
            ),
            text_of(
                BinaryViewArray::from_iter_values([value]),
                DataType::Utf8View,
            ),
            Arc::new(entries),
            Arc::new(map),
            Arc::new(ListArray::new(item(), one(), plain(), None)),
            Arc::new(large),
            Arc::new(FixedSizeListArray::new(item(), 1, plain(), None)),
            Arc::new(DictionaryArray::new(keys(), plain())),
        ]
    }

    #[test]
    fn every_value_is_looked_at() {
        assert!(is_valid(&text(&[b"", b"a", "\u{e9}".as_bytes()])));
        assert!(is_valid(&text(&[])));
        assert!(!is_valid(&text(&[b"a", b"\xff", b"b"])));
        // The two halves of a character: only together they are one.
        assert!(!is_valid(&text(&[b"\xc3", b"\xa9"])));
    }

    #[test]
    fn text_is_found_in_every_type() {
        for good in in_every_type("\u{e9}".as_bytes()) {
            assert!(is_valid(&good), "{}", good.data_type());
        }
        for bad in in_every_type(b"\xff\xfe") {
            assert!(!is_valid(&bad), "{}", bad.data_type());
        }
        assert!(is_valid(&BinaryArray::from_iter_values([b"\xff"])));
    }

    #[test]
    fn a_slice_answers_for_its_own_rows() {
        let all = text(&[b"\xff", b"a", b"b"]);
        assert!(is_valid(&all.slice(1, 2)) && !is_valid(&all.slice(0, 1)));
    }

    #[test]
    fn the_error_names_the_column() {
        let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![1])), text(&[b"\xff"])];
        let schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("body", DataType::Utf8, true),
        ]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let mut rows = ValidText(Box::new(RecordBatchIterator::new([Ok(batch)], schema)));
        let failure = from_arrow(rows.next().unwrap().unwrap_err());
        assert_eq!(failure.status, Status::InvalidData);
        assert!(failure.message.contains("'body'"), "{failure}");
    }
}
