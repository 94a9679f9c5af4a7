//! What the driver and DataFusion are.

use std::collections::HashSet;
use std::sync::Arc;

use adbc_core::constants::ADBC_VERSION_1_1_0;
use adbc_core::error::Result;
use adbc_core::options::InfoCode;
use adbc_core::schemas::GET_INFO_SCHEMA;
use datafusion::DATAFUSION_VERSION;
use datafusion::arrow::ARROW_VERSION;
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchReader, StringArray, UInt32Array,
    UnionArray, new_empty_array,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;

use crate::catalog::one_batch;
use crate::error::from_arrow;

enum Value {
    Text(&'static str),
    Flag(bool),
    Number(i64),
}

const INFO: [(InfoCode, Value); 9] = [
    (InfoCode::VendorName, Value::Text("Apache DataFusion")),
    (InfoCode::VendorVersion, Value::Text(DATAFUSION_VERSION)),
    (InfoCode::VendorArrowVersion, Value::Text(ARROW_VERSION)),
    (InfoCode::VendorSql, Value::Flag(true)),
    (InfoCode::VendorSubstrait, Value::Flag(true)),
    (
        InfoCode::DriverName,
        Value::Text("ADBC driver for Apache DataFusion"),
    ),
    (
        InfoCode::DriverVersion,
        Value::Text(env!("CARGO_PKG_VERSION")),
    ),
    (InfoCode::DriverArrowVersion, Value::Text(ARROW_VERSION)),
    (
        InfoCode::DriverAdbcVersion,
        Value::Number(ADBC_VERSION_1_1_0 as i64),
    ),
];

/// The asked-for entries, or all; a code nobody knows is left out, as ADBC asks.
pub(crate) fn get_info(
    codes: Option<HashSet<InfoCode>>,
) -> Result<Box<dyn RecordBatchReader + Send + 'static>> {
    let wanted = |code: &InfoCode| codes.as_ref().is_none_or(|codes| codes.contains(code));
    let entries: Vec<_> = INFO.iter().filter(|(code, _)| wanted(code)).collect();
    one_batch(to_batch(&entries).map_err(from_arrow)?)
}

fn to_batch(entries: &[&(InfoCode, Value)]) -> std::result::Result<RecordBatch, ArrowError> {
    let names: UInt32Array = entries.iter().map(|(code, _)| u32::from(code)).collect();
    let (mut texts, mut flags, mut numbers) = (vec![], vec![], vec![]);
    let (mut kinds, mut offsets) = (vec![], vec![]);
    for (_, value) in entries {
        let (kind, offset) = match value {
            Value::Text(text) => (0i8, push(&mut texts, *text)),
            Value::Flag(flag) => (1, push(&mut flags, *flag)),
            Value::Number(number) => (2, push(&mut numbers, *number)),
        };
        kinds.push(kind);
        offsets.push(offset);
    }
    let schema = Arc::clone(&GET_INFO_SCHEMA);
    let DataType::Union(fields, _) = schema.field(1).data_type() else {
        return Err(ArrowError::SchemaError("info_value is a union".to_owned()));
    };
    let mut children: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(texts)),
        Arc::new(BooleanArray::from(flags)),
        Arc::new(Int64Array::from(numbers)),
    ];
    let unused = fields.iter().skip(children.len());
    children.extend(unused.map(|(_, field)| new_empty_array(field.data_type())));
    let values = UnionArray::try_new(fields.clone(), kinds.into(), Some(offsets.into()), children)?;
    RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(names), Arc::new(values)])
}

fn push<T>(values: &mut Vec<T>, value: T) -> i32 {
    values.push(value);
    values.len() as i32 - 1
}
