//! Values bound to the parameters of a query, a row at a time.

use std::collections::HashSet;

use adbc_core::error::{Result, Status};
use datafusion::arrow::array::{RecordBatch, RecordBatchReader};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;

use crate::error::{error, from_arrow, from_datafusion};
use crate::valid_text::ValidText;

/// The bound rows that are still to be run.
pub(crate) struct BoundRows {
    batches: Box<dyn RecordBatchReader + Send>,
    current: Option<RecordBatch>,
    next_row: usize,
    by_name: bool,
}

impl BoundRows {
    pub(crate) fn new(batches: Box<dyn RecordBatchReader + Send>) -> Self {
        Self {
            batches: Box::new(ValidText(batches)),
            current: None,
            next_row: 0,
            by_name: false,
        }
    }

    /// Whether `$1`, `$2`, … take columns by name too.
    pub(crate) fn by_name(self, by_name: bool) -> Self {
        Self { by_name, ..self }
    }

    /// The rows as batches, for what takes them whole.
    pub(crate) fn into_batches(self) -> Box<dyn RecordBatchReader + Send> {
        self.batches
    }

    /// The next row as the values of the parameters `names`; `None` after the last.
    pub(crate) fn next(&mut self, names: &HashSet<String>) -> Result<Option<ParamValues>> {
        loop {
            if let Some(batch) = &self.current
                && self.next_row < batch.num_rows()
            {
                let row = self.next_row;
                self.next_row += 1;
                return match positions(names).filter(|_| !self.by_name) {
                    Some(positions) => by_position(batch, row, &positions),
                    None => by_name(batch, row, names),
                }
                .map(Some);
            }
            match self.batches.next().transpose().map_err(from_arrow)? {
                Some(batch) => self.current = Some(batch),
                None => return Ok(None),
            }
            self.next_row = 0;
        }
    }
}

/// The positions of parameters that are all `$1`, `$2`, ….
fn positions(names: &HashSet<String>) -> Option<Vec<usize>> {
    names.iter().map(|name| position(name)).collect()
}

fn by_position(batch: &RecordBatch, row: usize, positions: &[usize]) -> Result<ParamValues> {
    let expected = positions.iter().copied().max().unwrap_or(0);
    if expected != batch.num_columns() {
        return Err(mismatch(format!(
            "the query has {expected} parameters, but {} columns are bound",
            batch.num_columns()
        )));
    }
    let list: Result<Vec<_>> = (0..expected).map(|at| value(batch, row, at)).collect();
    Ok(ParamValues::from(list?))
}

fn by_name(batch: &RecordBatch, row: usize, names: &HashSet<String>) -> Result<ParamValues> {
    let mut map = Vec::with_capacity(names.len());
    for name in names {
        let name = name.trim_start_matches('$');
        let column = batch.schema_ref().index_of(name).map_err(|_| {
            mismatch(format!(
                "no bound column is called '{name}', as a parameter is"
            ))
        })?;
        map.push((name.to_owned(), value(batch, row, column)?));
    }
    Ok(ParamValues::from(map))
}

fn value(batch: &RecordBatch, row: usize, column: usize) -> Result<ScalarValue> {
    ScalarValue::try_from_array(batch.column(column), row).map_err(from_datafusion)
}

/// The number of a `$1`-like parameter.
fn position(name: &str) -> Option<usize> {
    name.trim_start_matches('$').parse().ok().filter(|n| *n > 0)
}

fn mismatch(message: String) -> adbc_core::error::Error {
    error(Status::InvalidArguments, message)
}

/// The parameters of a plan in the order a row binds them. A type nobody could infer is null.
pub(crate) fn parameter_schema(plan: &LogicalPlan) -> Result<Schema> {
    let parameters = plan.get_parameter_types().map_err(from_datafusion)?;
    let mut parameters: Vec<_> = parameters.into_iter().collect();
    parameters.sort_by_key(|(name, _)| (position(name), name.clone()));
    let fields = parameters.into_iter().map(|(name, kind)| {
        let name = match position(&name) {
            Some(_) => name,
            None => name.trim_start_matches('$').to_owned(),
        };
        Field::new(name, kind.unwrap_or(DataType::Null), true)
    });
    Ok(Schema::new(fields.collect::<Vec<_>>()))
}
