//! Reads files in their order by several threads.
//!
//! A query whose order is that of its files is one partition in DataFusion, which one thread reads; or it is
//! several, whose merge waits for one while the others stand still. Here the files are cut into ranges. Some
//! ranges are read at the same time, each into a small buffer, and are handed on one after the other.
//!
//! A sort of the whole becomes one of each range where the ranges are known to follow each other.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::SortOptions;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::range_order::ranges_in_order;
use crate::sort_ranges::SortRangesExec;

/// Bytes of files a range, at least: some row groups.
pub(crate) const RANGE_BYTES: u64 = 4 << 20;
/// Each range is a partition of the plan, which costs a little by itself.
pub(crate) const MAX_RANGES: u64 = 1024;
/// Bytes of rows that wait for their turn, a range.
const BUFFER_BYTES: usize = 8 << 20;

/// Operators that make the rows of a partition of those of one input partition, and keep their order.
const ROW_WISE: [&str; 4] = [
    "CoalesceBatchesExec",
    "CooperativeExec",
    "FilterExec",
    "ProjectionExec",
];

/// Lets `ranges` ranges of an ordered scan be read at the same time.
#[derive(Debug)]
pub(crate) struct ScanAhead {
    pub(crate) ranges: usize,
    pub(crate) metadata: Arc<FileMetadataCache>,
}

impl PhysicalOptimizerRule for ScanAhead {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|plan| {
            if plan.fetch().is_some() {
                // Of what is read ahead nobody may want a row.
                return Ok(Transformed::new(plan, false, TreeNodeRecursion::Jump));
            }
            let parts = match sort_in_ranges(&plan, self.metadata.as_ref())? {
                None => in_ranges(&plan)?,
                sorted => sorted,
            };
            let Some(parts) = parts else {
                return Ok(Transformed::no(plan));
            };
            let in_order = InOrderExec {
                // The same rows in the same order: all that is known of the whole holds of its parts.
                properties: Arc::clone(plan.properties()),
                input: parts,
                ranges: self.ranges,
            };
            let plan: Arc<dyn ExecutionPlan> = Arc::new(in_order);
            Ok(Transformed::new(plan, true, TreeNodeRecursion::Jump))
        })
        .data()
    }

    fn name(&self) -> &str {
        "scan_ahead"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A sort with a partition for each range of its files; `None` where the ranges don't follow each other.
fn sort_in_ranges(
    plan: &Arc<dyn ExecutionPlan>,
    metadata: &FileMetadataCache,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(sort) = plan.downcast_ref::<SortExec>() else {
        return Ok(None);
    };
    if plan.output_partitioning().partition_count() != 1 {
        return Ok(None); // each partition would deliver all rows
    }
    let [key] = sort.expr().as_ref() else {
        return Ok(None);
    };
    let Some(column) = key.expr.downcast_ref::<Column>() else {
        return Ok(None);
    };
    if key.options != SortOptions::new(false, false) {
        return Ok(None);
    }
    let column = column.index();
    let parts = with_scan(sort.input(), column, &|config, column| {
        ranges_in_order(config, column, metadata)
    })?;
    Ok(parts.map(|input| Arc::new(SortRangesExec { input, column }) as Arc<dyn ExecutionPlan>))
}

/// The plan over the ranges that `cut` makes of its scan, told the column of the files that column number
/// `column` of the plan is; `None` where it is not one of theirs.
fn with_scan(
    plan: &Arc<dyn ExecutionPlan>,
    column: usize,
    cut: &dyn Fn(&FileScanConfig, &str) -> Option<Vec<FileGroup>>,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if plan.fetch().is_some() {
        return Ok(None);
    }
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
        return Ok(scan_with(scan, column, cut));
    }
    let below = if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let column = projection.expr()[column].expr.downcast_ref::<Column>();
        column.map(Column::index)
    } else if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let projection = filter.projection().as_ref();
        Some(projection.map_or(column, |projection| projection[column]))
    } else {
        ROW_WISE.contains(&plan.name()).then_some(column)
    };
    let Some(below) = below else {
        return Ok(None);
    };
    let Some(input) = with_scan(plan.children()[0], below, cut)? else {
        return Ok(None);
    };
    replace_children_if_necessary(Arc::clone(plan), vec![input]).map(Some)
}

fn scan_with(
    scan: &DataSourceExec,
    column: usize,
    cut: &dyn Fn(&FileScanConfig, &str) -> Option<Vec<FileGroup>>,
) -> Option<Arc<dyn ExecutionPlan>> {
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    if config.file_source.file_type() != "parquet" {
        return None;
    }
    let name = match config.file_source.projection() {
        Some(projection) => {
            let expr = &projection.as_ref()[column].expr;
            expr.downcast_ref::<Column>()?.name().to_owned()
        }
        None => scan.schema().field(column).name().clone(),
    };
    let groups = cut(config, &name)?;
    // Each range is a partition of its own, that no other may take from.
    let config = FileScanConfigBuilder::from(config.clone())
        .with_file_groups(groups)
        .with_preserve_order(true);
    Some(DataSourceExec::from_data_source(config.build()))
}

/// The plan with a partition for each range of its files; `None` where it is no ordered scan of one
/// partition, or too small.
fn in_ranges(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if plan.fetch().is_some() || plan.output_partitioning().partition_count() != 1 {
        return Ok(None);
    }
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
        return Ok(scan_in_ranges(scan));
    }
    if !ROW_WISE.contains(&plan.name()) {
        return Ok(None);
    }
    let Some(input) = in_ranges(plan.children()[0])? else {
        return Ok(None);
    };
    replace_children_if_necessary(Arc::clone(plan), vec![input]).map(Some)
}

fn scan_in_ranges(scan: &DataSourceExec) -> Option<Arc<dyn ExecutionPlan>> {
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    let [group] = config.file_groups.as_slice() else {
        return None;
    };
    // Files of other formats can't be read from their middle. Without an order DataFusion's own
    // partitions do.
    if config.file_source.file_type() != "parquet" || config.output_ordering.is_empty() {
        return None;
    }
    let groups = ranges_of(group.files());
    if groups.len() < 2 {
        return None;
    }
    let config = FileScanConfigBuilder::from(config.clone()).with_file_groups(groups);
    Some(DataSourceExec::from_data_source(config.build()))
}

fn ranges_of(files: &[PartitionedFile]) -> Vec<FileGroup> {
    let total: u64 = files.iter().map(PartitionedFile::effective_size).sum();
    let step = RANGE_BYTES.max(total / MAX_RANGES) as i64;
    let mut groups = Vec::new();
    for file in files {
        let (mut start, end) = match &file.range {
            Some(range) => (range.start, range.end),
            None => (0, file.object_meta.size as i64),
        };
        while start < end {
            let next = if end - start < 2 * step {
                end
            } else {
                start + step
            };
            groups.push(FileGroup::new(vec![file.clone().with_range(start, next)]));
            start = next;
        }
    }
    groups
}

/// Hands on its input's partitions one after the other, and reads the next ones meanwhile.
#[derive(Debug)]
struct InOrderExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    ranges: usize,
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
                let bytes = batch.as_ref().map_or(0, RecordBatch::get_array_memory_size);
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
