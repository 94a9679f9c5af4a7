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
use datafusion::common::{ResolvedTableReference, TableReference};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::error::DataFusionError;
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
        let (sender, receiver) = mpsc::channel(2);
        let source = Source {
            schema: Arc::clone(&schema),
            batches: Mutex::new(Some(receiver)),
        };
        let query = self.query.clone();
        let name = self.name.clone();
        let insert = async move {
            let plan = insert_plan(&query, &name, Arc::new(source)).await?;
            match query.run(plan).await? {
                Outcome::Changed(count, ..) => Ok(count),
                _ => Ok(-1),
            }
        };
        let mut task = AbortOnDrop(self.workers().spawn(insert));
        feed(rows, sender, self.workers(), self.cancel)?;
        self.workers().block_on(async {
            let joined = crate::stream::or_cancelled(self.cancel, &mut task.0).await?;
            joined.unwrap_or_else(|cause| Err(joining(cause)))
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

/// Sends the client's batches until they end or the insert has stopped taking them.
fn feed(
    rows: Box<dyn RecordBatchReader + Send>,
    sender: mpsc::Sender<std::result::Result<RecordBatch, DataFusionError>>,
    workers: &Workers,
    cancel: &CancelToken,
) -> Result<()> {
    for batch in rows {
        let batch = batch.map_err(DataFusionError::from);
        let failed = batch.is_err();
        let sent = workers.block_on(crate::stream::or_cancelled(cancel, sender.send(batch)))?;
        // The insert has failed, and says why better than a closed channel does.
        if sent.is_err() || failed {
            break;
        }
    }
    Ok(())
}

/// `INSERT INTO name SELECT` the source's columns by name, cast to the table's types; NULL or the
/// default for those it has not.
async fn insert_plan(
    query: &Query,
    name: &ResolvedTableReference,
    source: Arc<Source>,
) -> Result<LogicalPlan> {
    let schema = query.session.schema_of(name)?;
    let table = schema.table(&name.table).await.map_err(from_datafusion)?;
    let Some(table) = table else {
        return Err(query.session.missing_table(name));
    };
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
    batches: Mutex<Option<mpsc::Receiver<std::result::Result<RecordBatch, DataFusionError>>>>,
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
            let batch = batches.recv().await?;
            Some((batch, Some(batches)))
        });
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            stream,
        ))
    }
}
