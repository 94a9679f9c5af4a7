//! Running a planned statement: once, or once a bound row.

use std::collections::HashSet;
use std::sync::Arc;

use adbc_core::error::{Error, Result, Status};
use datafusion::arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::common::ParamValues;
use datafusion::logical_expr::LogicalPlan;

use crate::bind::BoundRows;
use crate::cancel::CancelToken;
use crate::error::{error, from_arrow, from_datafusion, guard, to_arrow};
use crate::memory::SpillGuard;
use crate::query::{Outcome, Query};
use crate::runtime::Runtime;
use crate::statement::no_rows;
use crate::stream::{QueryReader, Rows};

type Reader = Box<dyn RecordBatchReader + Send + 'static>;

/// A planned statement, ready to run.
pub(crate) struct Execution {
    pub(crate) query: Query,
    pub(crate) plan: LogicalPlan,
    pub(crate) cancel: CancelToken,
    pub(crate) spill: Arc<SpillGuard>,
    pub(crate) runtime: Arc<Runtime>,
}

impl Execution {
    /// Runs the plan and returns its result as a stream.
    pub(crate) fn execute(self) -> Result<Reader> {
        match self.run(self.plan.clone())? {
            Outcome::Rows(stream) => Ok(Box::new(self.reader(stream))),
            Outcome::Changed(_, schema, batches) => {
                let batches: Vec<_> = batches.into_iter().map(Ok).collect();
                Ok(Box::new(RecordBatchIterator::new(batches, schema)))
            }
            Outcome::Done => Ok(no_rows()),
        }
    }

    /// Runs the plan of a query and returns its result in parts, one at least.
    pub(crate) fn execute_in_parts(self) -> Result<Vec<Reader>> {
        let query = self.query.clone();
        let plan = self.plan.clone();
        let workers = self.query.session.workers();
        let parts = workers.run(&self.cancel, async move { query.run_in_parts(plan).await })?;
        let reader = |rows| -> Reader { Box::new(self.reader(rows)) };
        Ok(parts.into_iter().map(reader).collect())
    }

    /// Runs the plan to its end and returns how many rows it changed; -1 if that is not known.
    pub(crate) fn update(self) -> Result<i64> {
        match self.run(self.plan.clone())? {
            Outcome::Rows(stream) => {
                let mut rows = self.reader(stream);
                while rows.advance()?.is_some() {}
                Ok(-1)
            }
            Outcome::Changed(count, ..) => Ok(count),
            Outcome::Done => Ok(-1),
        }
    }

    /// Runs the plan once a bound row. The results of a query follow one another, each started when
    /// the one before has been read; changes are made at once.
    pub(crate) fn execute_bound(self, mut rows: BoundRows) -> Result<Reader> {
        let names = self.parameter_names()?;
        let Some(values) = rows.next(&names)? else {
            let schema: SchemaRef = Arc::clone(self.plan.schema().inner());
            return Ok(Box::new(RecordBatchIterator::new([], schema)));
        };
        match self.run_with(values)? {
            Outcome::Rows(stream) => {
                let current = self.reader(stream);
                Ok(Box::new(BoundReader {
                    schema: current.schema(),
                    current: Some(current),
                    execution: self,
                    names,
                    rows,
                    failed: None,
                }))
            }
            Outcome::Changed(count, ..) => count_reader(self.update_rest(count, rows, &names)?),
            Outcome::Done => {
                self.update_rest(-1, rows, &names)?;
                Ok(no_rows())
            }
        }
    }

    /// Runs the plan once a bound row and returns how many rows all of them changed.
    pub(crate) fn update_bound(self, rows: BoundRows) -> Result<i64> {
        let names = self.parameter_names()?;
        self.update_rest(0, rows, &names)
    }

    fn update_rest(
        &self,
        mut total: i64,
        mut rows: BoundRows,
        names: &HashSet<String>,
    ) -> Result<i64> {
        while let Some(values) = rows.next(names)? {
            match self.run_with(values)? {
                Outcome::Rows(stream) => {
                    let mut rows = self.reader(stream);
                    while rows.advance()?.is_some() {}
                    total = -1;
                }
                Outcome::Changed(count, ..) if total >= 0 && count >= 0 => total += count,
                Outcome::Changed(..) | Outcome::Done => total = -1,
            }
        }
        Ok(total)
    }

    fn run(&self, plan: LogicalPlan) -> Result<Outcome> {
        let query = self.query.clone();
        self.query
            .session
            .workers()
            .run(&self.cancel, async move { query.run(plan).await })
    }

    fn run_with(&self, values: ParamValues) -> Result<Outcome> {
        let plan = self.plan.clone().with_param_values(values);
        self.run(plan.map_err(from_datafusion)?)
    }

    fn reader(&self, rows: Rows) -> QueryReader {
        let (runtime, spill) = (Arc::clone(&self.runtime), Arc::clone(&self.spill));
        QueryReader::new(runtime, self.cancel.clone(), rows, spill)
    }

    fn parameter_names(&self) -> Result<HashSet<String>> {
        self.plan.get_parameter_names().map_err(from_datafusion)
    }
}

/// The count of a change, in the form DataFusion gives one.
fn count_reader(count: i64) -> Result<Reader> {
    let field = Field::new("count", DataType::UInt64, false);
    let schema = Arc::new(Schema::new(vec![field]));
    let counts = UInt64Array::from_iter_values(u64::try_from(count));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(counts)]);
    let batch = batch.map_err(from_arrow)?;
    Ok(Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
}

/// The results of one query for several rows of parameters, one after the other.
struct BoundReader {
    execution: Execution,
    names: HashSet<String>,
    rows: BoundRows,
    current: Option<QueryReader>,
    schema: SchemaRef,
    failed: Option<Error>,
}

impl BoundReader {
    fn advance(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(cause) = &self.failed {
            return Err(cause.clone());
        }
        loop {
            if let Some(current) = &mut self.current {
                if let Some(batch) = current.advance()? {
                    return Ok(Some(batch));
                }
                self.current = None;
            }
            let Some(values) = self.rows.next(&self.names)? else {
                return Ok(None);
            };
            let Outcome::Rows(stream) = self.execution.run_with(values)? else {
                return Ok(None);
            };
            let reader = self.execution.reader(stream);
            if reader.schema() != self.schema {
                return Err(error(
                    Status::InvalidData,
                    "the bound rows give results of different types",
                ));
            }
            self.current = Some(reader);
        }
    }
}

impl Iterator for BoundReader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = guard(|| self.advance());
        self.failed = next.as_ref().err().cloned();
        next.map_err(to_arrow).transpose()
    }
}

impl RecordBatchReader for BoundReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
