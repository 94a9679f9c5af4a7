//! Reads some partitions at the same time, each into a small buffer, and hands them on one after the other.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Bytes of rows that wait for their turn, a partition. One task alone decodes the partition whose turn it is: the more
/// of it was read before, the less others wait for that one. (8 MiB: a third of what a row group often holds.)
const BUFFER_BYTES: usize = 8 << 20;

/// Hands on its input's partitions one after the other, and reads the next ones meanwhile.
#[derive(Debug)]
pub(crate) struct InOrderExec {
    pub(crate) input: Arc<dyn ExecutionPlan>,
    pub(crate) properties: Arc<PlanProperties>,
    pub(crate) ranges: usize,
}

impl DisplayAs for InOrderExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "InOrderExec: ranges={}", self.ranges)
    }
}

impl ExecutionPlan for InOrderExec {
    fn name(&self) -> &str {
        "InOrderExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            input: children.swap_remove(0),
            properties: Arc::clone(&self.properties),
            ranges: self.ranges,
        }))
    }

    fn execute(
        &self,
        _partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = Arc::clone(&self.input);
        let parts = input.output_partitioning().partition_count();
        let start = move |part| Ok(Reading::start(input.execute(part, Arc::clone(&context))?));
        let state = InOrder {
            waiting: 0..parts,
            start: Box::new(start),
            reading: VecDeque::new(),
            ranges: self.ranges,
        };
        let rows = stream::try_unfold(state, |mut state| async move {
            let batch = state.next().await?;
            Ok(batch.map(|batch| (batch, state)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// What the rows hold by themselves: the pages that views point into are shared with the batches around them.
fn bytes_of(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter().map(|column| {
        let views = match column.data_type() {
            DataType::Utf8View => column.as_string_view().views(),
            DataType::BinaryView => column.as_binary_view().views(),
            _ => return column.get_array_memory_size(),
        };
        let texts: usize = views.iter().map(|&view| view as u32 as usize).sum();
        texts + size_of_val(&views[..])
    });
    columns.sum()
}

struct InOrder {
    waiting: std::ops::Range<usize>,
    start: Box<dyn Fn(usize) -> Result<Reading> + Send>,
    reading: VecDeque<Reading>,
    ranges: usize,
}

impl InOrder {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(first) = self.reading.front_mut()
                && let Ok((batch, _)) = first.batches.try_recv()
            {
                return batch.map(Some); // what is handed on takes no room
            }
            // The reader waits: so one more range is worth its memory.
            if self.reading.len() < self.ranges
                && let Some(part) = self.waiting.next()
            {
                self.reading.push_back((self.start)(part)?);
            }
            let Some(first) = self.reading.front_mut() else {
                return Ok(None);
            };
            if let Some((batch, _)) = first.batches.recv().await {
                return batch.map(Some);
            }
            if let Some(read) = self.reading.pop_front() {
                let ended = read.task.join_unwind().await; // a panic is no end
                ended.map_err(|cause| DataFusionError::External(Box::new(cause)))?;
            }
        }
    }
}

/// A range on its way: a task reads it, as far as its buffer has room.
struct Reading {
    batches: mpsc::UnboundedReceiver<(Result<RecordBatch>, OwnedSemaphorePermit)>,
    task: SpawnedTask<()>, // ends with this
}

impl Reading {
    fn start(mut rows: SendableRecordBatchStream) -> Self {
        let (sender, batches) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(BUFFER_BYTES));
        let task = SpawnedTask::spawn(async move {
            while let Some(batch) = rows.next().await {
                let bytes = batch.as_ref().map_or(0, bytes_of);
                let weight = bytes.min(BUFFER_BYTES) as u32;
                let Ok(permit) = Arc::clone(&room).acquire_many_owned(weight).await else {
                    return;
                };
                if sender.send((batch, permit)).is_err() {
                    return;
                }
            }
        });
        Self { batches, task }
    }
}
