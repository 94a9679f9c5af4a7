//! Bulk ingest: bound rows become a table, or are added to one.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use adbc_core::error::{Result, Status};
use adbc_core::options::IngestMode;
use datafusion::arrow::array::{RecordBatch, RecordBatchReader, UInt64Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::{ResolvedTableReference, TableReference, exec_err};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::scalar::ScalarValue;
use tokio::sync::mpsc;

use crate::cancel::{CancelToken, lock};
use crate::error::{cancelled, error, from_arrow, from_datafusion, invalid_argument};
use crate::query::{Outcome, Query};
use crate::runtime::{AbortOnDrop, Workers, joining};
use crate::stream::or_cancelled;

/// DataFusion's own default.
const ROWS_A_BATCH: usize = 8192;

/// Where the rows go, as the client's options said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) table: Option<String>,
    pub(crate) catalog: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) mode: Option<String>,
    pub(crate) temporary: bool,
    /// Whether an ingest has gone there.
    pub(crate) used: bool,
}

impl Target {
    /// The target, as the part of its name that the client sets now belongs to it. The first one after an ingest begins
    /// a new name: a client that means the current catalog or schema sets none.
    pub(crate) fn renamed(&mut self) -> &mut Self {
        if std::mem::take(&mut self.used) {
            self.catalog = None;
            self.schema = None;
        }
        self
    }
}

/// Runs an ingest and returns how many rows it took. Rows are read on the calling thread, which is
/// the one the client expects its stream to be read on.
pub(crate) fn ingest(
    query: &Query,
    target: &Target,
    rows: Box<dyn RecordBatchReader + Send>,
    cancel: &CancelToken,
) -> Result<i64> {
    let Some(table) = &target.table else {
        return Err(invalid_argument("no ingest target table is set"));
    };
    if target.temporary && (target.catalog.is_some() || target.schema.is_some()) {
        return Err(invalid_argument(
            "a temporary table takes no target catalog or schema",
        ));
    }
    let mode = match &target.mode {
        Some(mode) => IngestMode::from_str(mode)?,
        None => IngestMode::Create,
    };
    let name = query
        .session
        .resolve(target.catalog.as_deref(), target.schema.as_deref(), table);
    let ingest = Ingest {
        query,
        name,
        temporary: target.temporary,
        cancel,
    };
    match (mode, ingest.exists()?) {
        (IngestMode::Create, true) => Err(ingest.already_exists()),
        (IngestMode::Create | IngestMode::CreateAppend, false) | (IngestMode::Replace, _) => {
            ingest.create(rows)
        }
        (IngestMode::Append | IngestMode::CreateAppend, true) => ingest.append(rows),
        (IngestMode::Append, false) => Err(query.session.missing_table(&ingest.name)),
    }
}

struct Ingest<'a> {
    query: &'a Query,
    name: ResolvedTableReference,
    temporary: bool,
    cancel: &'a CancelToken,
}

impl Ingest<'_> {
    fn workers(&self) -> &Workers {
        self.query.session.workers()
    }

    fn temporary_name(&self) -> (String, String, String) {
        (
            self.name.catalog.to_string(),
            self.name.schema.to_string(),
            self.name.table.to_string(),
        )
    }

    fn exists(&self) -> Result<bool> {
        if self.temporary {
            let name = self.temporary_name();
            return Ok(self.query.session.temporary.get(&name).is_some());
        }
        let schema = self.query.session.schema_of(&self.name)?;
        Ok(schema.table_exist(&self.name.table))
    }

    fn already_exists(&self) -> adbc_core::error::Error {
        error(
            Status::AlreadyExists,
            format!("table '{}' already exists", self.name.table),
        )
    }

    /// Makes the table once all rows are there, so a failure leaves what was there before.
    fn create(&self, rows: Box<dyn RecordBatchReader + Send>) -> Result<i64> {
        if !self.temporary {
            self.query.check_not_hidden(&self.temporary_name())?;
        }
        let schema = rows.schema();
        let mut batches = Vec::new();
        let mut count = 0;
        for batch in rows {
            if self.cancel.is_cancelled() {
                return Err(cancelled());
            }
            let batch = batch.map_err(from_arrow)?;
            count += batch.num_rows() as i64;
            split(&batch, &mut batches)?;
        }
        let table = MemTable::try_new(schema, vec![batches]).map_err(from_datafusion)?;
        let table: Arc<dyn TableProvider> = Arc::new(table);
        if self.temporary {
            let name = self.temporary_name();
            self.query.session.temporary.put(name, table);
            return Ok(count);
        }
        // Another statement may have made one while the rows came.
        self.query.check_not_hidden(&self.temporary_name())?;
        let schema = self.query.session.schema_of(&self.name)?;
        let table_name = self.name.table.to_string();
        if schema.table_exist(&table_name) {
            schema
                .deregister_table(&table_name)
                .map_err(from_datafusion)?;
        }
        schema
            .register_table(table_name, table)
            .map_err(from_datafusion)?;
        Ok(count)
    }

    /// Inserts the rows as they come; the table's writer holds the client's stream back.
    fn append(&self, rows: Box<dyn RecordBatchReader + Send>) -> Result<i64> {
        let schema = rows.schema();
        let table = self.table()?;
        let in_memory = table.is::<MemTable>();
        let (sender, receiver) = mpsc::channel(2);
        let source = Source {
            schema: Arc::clone(&schema),
            batches: Mutex::new(Some(receiver)),
        };
        let query = self.query.clone();
        let name = self.name.clone();
        let insert = async move {
            let plan = insert_plan(&name, table, Arc::new(source))?;
            match query.run(plan).await? {
                Outcome::Changed(count, ..) => Ok(count),
                _ => Ok(-1),
            }
        };
        let mut task = AbortOnDrop(self.workers().spawn(insert));
        feed(rows, &sender, self.workers(), self.cancel)?;
        let joined = match in_memory {
            // It is about to have all rows, at once: a cancel could only leave it a part of them.
            true => self.workers().block_on(&mut task.0),
            // To write them may take long.
            false => self
                .workers()
                .block_on(or_cancelled(self.cancel, &mut task.0))?,
        };
        joined.unwrap_or_else(|cause| Err(joining(cause)))
    }

    fn table(&self) -> Result<Arc<dyn TableProvider>> {
        let (session, name) = (Arc::clone(&self.query.session), self.name.clone());
        self.workers().run(self.cancel, async move {
            let table = session.schema_of(&name)?.table(&name.table).await;
            let table = table.map_err(from_datafusion)?;
            table.ok_or_else(|| session.missing_table(&name))
        })
    }
}

/// Copies a large batch into batches of the size queries work in. A slice would do for reading, but
/// counts as the whole batch wherever memory is counted.
fn split(batch: &RecordBatch, into: &mut Vec<RecordBatch>) -> Result<()> {
    if batch.num_rows() <= ROWS_A_BATCH {
        into.push(batch.clone());
        return Ok(());
    }
    for start in (0..batch.num_rows()).step_by(ROWS_A_BATCH) {
        let end = batch.num_rows().min(start + ROWS_A_BATCH);
        let rows = UInt64Array::from_iter_values(start as u64..end as u64);
        into.push(take_record_batch(batch, &rows).map_err(from_arrow)?);
    }
    Ok(())
}

/// What an insert is sent. A channel that closes before the end is that of an ingest that failed or was cancelled: the
/// insert must fail too, not take what it has for all there is.
enum Fed {
    Rows(RecordBatch),
    End,
}

/// Sends the client's batches until they end or the insert has stopped taking them.
fn feed(
    rows: Box<dyn RecordBatchReader + Send>,
    sender: &mpsc::Sender<Fed>,
    workers: &Workers,
    cancel: &CancelToken,
) -> Result<()> {
    let send = |fed| workers.block_on(or_cancelled(cancel, sender.send(fed)));
    for batch in rows {
        let batch = batch.map_err(from_arrow)?;
        // The insert has failed, and says why better than a closed channel does.
        if send(Fed::Rows(batch))?.is_err() {
            return Ok(());
        }
    }
    send(Fed::End).map(|_| ())
}

/// `INSERT INTO name SELECT` the source's columns by name, cast to the table's types; NULL or the
/// default for those it has not.
fn insert_plan(
    name: &ResolvedTableReference,
    table: Arc<dyn TableProvider>,
    source: Arc<Source>,
) -> Result<LogicalPlan> {
    let columns = insert_columns(&source.schema, table.as_ref(), &name.table)?;
    let rows = StreamingTable::try_new(Arc::clone(&source.schema), vec![source]);
    let rows = rows.map_err(from_datafusion)?;
    let reference = TableReference::full(
        Arc::clone(&name.catalog),
        Arc::clone(&name.schema),
        Arc::clone(&name.table),
    );
    let scan = LogicalPlanBuilder::scan("bound_rows", provider_as_source(Arc::new(rows)), None)
        .and_then(|scan| scan.project(columns))
        .and_then(LogicalPlanBuilder::build)
        .and_then(|scan| {
            let target = provider_as_source(table);
            LogicalPlanBuilder::insert_into(scan, reference, target, InsertOp::Append)
        })
        .and_then(LogicalPlanBuilder::build);
    scan.map_err(from_datafusion)
}

fn insert_columns(rows: &Schema, table: &dyn TableProvider, name: &str) -> Result<Vec<Expr>> {
    let schema = table.schema();
    for field in rows.fields() {
        if schema.field_with_name(field.name()).is_err() {
            // The status that ADBC gives to rows that do not fit the table.
            return Err(error(
                Status::AlreadyExists,
                format!("table '{name}' has no column '{}'", field.name()),
            ));
        }
    }
    let columns = schema.fields().iter().map(|field| {
        let value = match rows.field_with_name(field.name()) {
            Ok(_) => Expr::Column(datafusion::common::Column::from_name(field.name())),
            Err(_) => table
                .get_column_default(field.name())
                .cloned()
                .unwrap_or_else(|| lit(ScalarValue::Null)),
        };
        cast(value, field.data_type().clone()).alias(field.name())
    });
    Ok(columns.collect())
}

/// The client's rows as a table that is read once.
struct Source {
    schema: SchemaRef,
    batches: Mutex<Option<mpsc::Receiver<Fed>>>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

impl PartitionStream for Source {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = lock(&self.batches).take();
        let stream = futures::stream::unfold(batches, |batches| async move {
            let mut batches = batches?;
            match batches.recv().await {
                Some(Fed::Rows(batch)) => Some((Ok(batch), Some(batches))),
                Some(Fed::End) => None,
                None => Some((exec_err!("the rows were given up"), None)),
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            stream,
        ))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field};
    use futures::StreamExt;

    use super::*;

    /// How many batches an insert gets of what it was sent, and whether it gets an error after them.
    fn received(sent: Vec<Fed>) -> (usize, bool) {
        let (sender, receiver) = mpsc::channel(sent.len());
        for fed in sent {
            assert!(sender.try_send(fed).is_ok());
        }
        drop(sender);
        let source = Source {
            schema: schema(),
            batches: Mutex::new(Some(receiver)),
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let items = runtime.block_on(source.execute(Arc::default()).collect::<Vec<_>>());
        let failed = items.iter().any(|item| item.is_err());
        (items.iter().filter(|item| item.is_ok()).count(), failed)
    }

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, true)]))
    }

    fn rows() -> Fed {
        Fed::Rows(RecordBatch::new_empty(schema()))
    }

    #[test]
    fn an_insert_ends_where_its_rows_do() {
        assert_eq!(received(vec![rows(), rows(), Fed::End]), (2, false));
    }

    #[test]
    fn an_insert_fails_where_its_rows_are_given_up() {
        assert_eq!(received(vec![rows(), rows()]), (2, true));
    }

    #[test]
    fn a_name_after_an_ingest_is_a_new_one() {
        let mut target = Target::default();
        target.renamed().schema = Some("s".to_owned());
        target.renamed().table = Some("t".to_owned());
        assert_eq!(target.schema.as_deref(), Some("s"));
        target.used = true;
        target.renamed().table = Some("u".to_owned());
        assert_eq!(target.schema, None);
        target.used = true;
        target.renamed().schema = Some("s".to_owned());
        target.renamed().table = Some("v".to_owned());
        assert_eq!(target.schema.as_deref(), Some("s"));
    }
}
