//! Results in parts: each is computed by the thread that reads it.
//!
//! What a thread has decoded is still in its core's cache when it goes on with the rows, and no other thread has to be
//! woken for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use adbc_core::error::{Error, Result, Status};
use datafusion::arrow::array::{RecordBatch, RecordBatchReader};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;

use crate::cancel::{CancelToken, lock};
use crate::error::{cancelled, error, from_datafusion, guard, to_arrow};
use crate::memory::SpillGuard;
use crate::runtime::Runtime;
use crate::scan_ahead::ROW_WISE;
use crate::stream::{collect_memory, or_cancelled};

type Reader = Box<dyn RecordBatchReader + Send + 'static>;

/// Whether the plan's partitions may be read in parts: there are several, and each is computed a batch at a time. A
/// sort or a join may take seconds for one, and a reader that computes can't be cancelled meanwhile.
pub(crate) fn has_parts(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.output_partitioning().partition_count() > 1 && is_row_wise(plan)
}

fn is_row_wise(plan: &Arc<dyn ExecutionPlan>) -> bool {
    match plan.children().as_slice() {
        [] => plan.fetch().is_none(),
        [input] => plan.fetch().is_none() && ROW_WISE.contains(&plan.name()) && is_row_wise(input),
        _ => false,
    }
}

/// The rows of one partition of a query.
pub(crate) struct PartReader {
    schema: SchemaRef,
    /// `None` at the end.
    stream: Option<SendableRecordBatchStream>,
    cancel: CancelToken,
    /// The first error, repeated by every later call: an error must never look like an end.
    failed: Option<Error>,
    // Dropped in this order: the spill files go before the last hold on the runtime does.
    spill: Option<Arc<SpillGuard>>,
    runtime: Arc<Runtime>,
}

impl PartReader {
    pub(crate) fn new(
        runtime: Arc<Runtime>,
        cancel: CancelToken,
        stream: SendableRecordBatchStream,
        spill: Arc<SpillGuard>,
    ) -> Self {
        Self {
            schema: stream.schema(),
            stream: Some(stream),
            cancel,
            failed: None,
            spill: Some(spill),
            runtime,
        }
    }

    fn advance(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(cause) = &self.failed {
            return Err(cause.clone());
        }
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        let cancel = &self.cancel;
        let next = self.runtime.workers().block_on(async {
            match cancel.is_cancelled() {
                true => Err(cancelled()),
                false => or_cancelled(cancel, stream.next()).await,
            }
        })?;
        next.transpose().map_err(from_datafusion)
    }

    fn close(&mut self) {
        if self.stream.take().is_some() {
            self.spill = None;
            collect_memory();
        }
    }
}

impl Iterator for PartReader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Arrow's stream export does not catch panics: one here would abort the client.
        let mut next = guard(|| self.advance());
        if let (Err(cause), None) = (&mut next, &self.failed) {
            if let Some(spill) = &self.spill {
                *cause = spill.locate(cause.clone());
            }
            self.failed = Some(cause.clone());
        }
        if !matches!(next, Ok(Some(_))) {
            self.close();
        }
        next.map_err(to_arrow).transpose()
    }
}

impl RecordBatchReader for PartReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// The parts of a connection's results that are not read yet, each under the name by which it is asked for.
#[derive(Default)]
pub(crate) struct WaitingParts(Mutex<Named>);

#[derive(Default)]
struct Named {
    parts: HashMap<Vec<u8>, Reader>,
    last: u64,
}

impl std::fmt::Debug for WaitingParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WaitingParts").finish_non_exhaustive()
    }
}

impl WaitingParts {
    /// Keeps the parts and returns their names.
    pub(crate) fn put(&self, parts: Vec<Reader>) -> Vec<Vec<u8>> {
        let mut named = lock(&self.0);
        let mut name = |part| {
            named.last += 1;
            let name = named.last.to_string().into_bytes();
            named.parts.insert(name.clone(), part);
            name
        };
        parts.into_iter().map(&mut name).collect()
    }

    pub(crate) fn take(&self, name: &[u8]) -> Result<Reader> {
        lock(&self.0).parts.remove(name).ok_or_else(|| {
            error(
                Status::NotFound,
                "this connection has no such partition; each is read once",
            )
        })
    }
}
