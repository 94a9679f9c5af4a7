//! Results that stream: a task runs the query and a reader takes its batches, or the reader runs it itself.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use adbc_core::error::{Error, Result};
use datafusion::arrow::array::{RecordBatch, RecordBatchReader};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use futures::future::{Either, select};
use tokio::sync::mpsc;

use crate::cancel::CancelToken;
use crate::error::{cancelled, from_datafusion, guard, to_arrow};
use crate::memory::SpillGuard;
use crate::runtime::{AbortOnDrop, Runtime, joining};

/// How many batches a query may be ahead of its reader. A full channel stops the query, so a slow
/// reader costs this many batches and no more.
const BATCHES_AHEAD: usize = 2;

/// Rows that are still to be computed.
pub(crate) struct Rows {
    pub(crate) stream: SendableRecordBatchStream,
    pub(crate) computed: By,
}

/// On which thread a stream computes its rows.
pub(crate) enum By {
    /// On a worker: the reader can be cancelled at any time.
    Task,
    /// On that which reads them: it can be cancelled where the stream waits.
    Reader,
}

/// Where a reader has its rows from.
enum Source {
    Task {
        batches: mpsc::Receiver<Result<RecordBatch>>,
        query: AbortOnDrop<()>,
    },
    Reader(SendableRecordBatchStream),
}

/// The rows of one running query, or of a part of it.
pub(crate) struct QueryReader {
    schema: SchemaRef,
    /// `None` at the end.
    source: Option<Source>,
    cancel: CancelToken,
    /// The first error, repeated by every later call: an error must never look like an end.
    failed: Option<Error>,
    // Dropped in this order: the spill files go before the last hold on the runtime does.
    spill: Option<Arc<SpillGuard>>,
    runtime: Arc<Runtime>,
}

impl QueryReader {
    /// Rows of a task are on their way at once: the first batch may be there before the first call.
    pub(crate) fn new(
        runtime: Arc<Runtime>,
        cancel: CancelToken,
        rows: Rows,
        spill: Arc<SpillGuard>,
    ) -> Self {
        let schema = rows.stream.schema();
        let source = match rows.computed {
            By::Reader => Source::Reader(rows.stream),
            By::Task => {
                let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
                let query = AbortOnDrop(runtime.workers().spawn(pump(rows.stream, sender)));
                Source::Task { batches, query }
            }
        };
        Self {
            schema,
            source: Some(source),
            cancel,
            failed: None,
            spill: Some(spill),
            runtime,
        }
    }

    pub(crate) fn advance(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(cause) = &self.failed {
            return Err(cause.clone());
        }
        let Some(source) = self.source.as_mut() else {
            return Ok(None);
        };
        let workers = self.runtime.workers();
        let next = guard(|| workers.block_on(next_batch(source, &self.cancel)));
        match next {
            Ok(Some(batch)) => return Ok(Some(batch)),
            Ok(None) => {}
            Err(cause) => {
                self.failed = Some(match &self.spill {
                    Some(spill) => spill.locate(cause),
                    None => cause,
                });
            }
        }
        self.close();
        self.failed.clone().map_or(Ok(None), Err)
    }

    /// Stops the query and frees what it holds.
    fn close(&mut self) {
        if let Some(Source::Task { mut batches, query }) = self.source.take() {
            drop(query);
            batches.close();
            while batches.try_recv().is_ok() {}
        }
        self.spill = None;
        // A scan leaves tens of MiB of freed pages, which the allocator would keep as long as nothing
        // else is allocated. SAFETY: any thread may call it, at any time.
        unsafe { mi_collect(true) };
    }
}

unsafe extern "C" {
    /// Of mimalloc, which is this library's allocator: gives free pages back to the system.
    fn mi_collect(force: bool);
}

/// Moves batches from the query to the reader until either ends.
async fn pump(mut stream: SendableRecordBatchStream, sender: mpsc::Sender<Result<RecordBatch>>) {
    while let Some(item) = stream.next().await {
        let item = item.map_err(from_datafusion);
        let last = item.is_err();
        if sender.send(item).await.is_err() || last {
            return;
        }
    }
}

/// The next batch, or why there is none. A cancel ends the wait for a task even if the query never yields.
async fn next_batch(source: &mut Source, cancel: &CancelToken) -> Result<Option<RecordBatch>> {
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    let (batches, query) = match source {
        Source::Task { batches, query } => (batches, query),
        Source::Reader(stream) => {
            let next = or_cancelled(cancel, stream.next()).await?;
            return next.transpose().map_err(from_datafusion);
        }
    };
    let received = or_cancelled(cancel, batches.recv()).await?;
    match received {
        Some(item) => item.map(Some),
        // The channel closes at the end of the rows, and also when the query panicked.
        None => match or_cancelled(cancel, &mut query.0).await? {
            Ok(()) => Ok(None),
            Err(cause) => Err(joining(cause)),
        },
    }
}

pub(crate) async fn or_cancelled<T>(
    cancel: &CancelToken,
    work: impl Future<Output = T>,
) -> Result<T> {
    match select(pin!(cancel.cancelled()), pin!(work)).await {
        Either::Left(_) => Err(cancelled()),
        Either::Right((value, _)) => Ok(value),
    }
}

impl Drop for QueryReader {
    fn drop(&mut self) {
        self.close();
    }
}

impl Iterator for QueryReader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Arrow's stream export does not catch panics: one here would abort the client.
        guard(|| self.advance()).map_err(to_arrow).transpose()
    }
}

impl RecordBatchReader for QueryReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
