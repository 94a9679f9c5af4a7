//! Sorts each partition by itself, in memory, where it is not in order already: its keys are read first, alone, so
//! that rows in order stream.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::compute::kernels::cmp::lt_eq;
use datafusion::arrow::compute::{concat_batches, sort_to_indices, take_record_batch};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{TryStreamExt, stream};

/// Brings the rows of each partition, which fit in memory, in ascending order of a column without nulls.
#[derive(Debug)]
pub(crate) struct SortRangesExec {
    pub(crate) input: Arc<dyn ExecutionPlan>,
    pub(crate) column: usize,
    /// That column alone, of the same partitions, and maybe of more rows of theirs. Not a child: no operator reads
    /// its rows, and the plan that is shown has every file once.
    pub(crate) keys: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for SortRangesExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let schema = self.input.schema();
        write!(f, "SortRangesExec: {}", schema.field(self.column).name())
    }
}

impl ExecutionPlan for SortRangesExec {
    fn name(&self) -> &str {
        "SortRangesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
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
            column: self.column,
            keys: Arc::clone(&self.keys),
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let batch_size = context.session_config().batch_size();
        let keys = self.keys.execute(partition, Arc::clone(&context))?;
        let rows = self.input.execute(partition, context)?;
        let schema = self.schema();
        let column = self.column;
        let in_order = stream::once(async move {
            if ascend(keys).await? {
                Ok(rows)
            } else {
                sorted(rows, column, batch_size).await
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            in_order.try_flatten(),
        )))
    }
}

async fn sorted(
    rows: SendableRecordBatchStream,
    column: usize,
    batch_size: usize,
) -> Result<SendableRecordBatchStream> {
    let schema = rows.schema();
    let batches: Vec<RecordBatch> = rows.try_collect().await?;
    let all = concat_batches(&schema, &batches)?;
    drop(batches); // the rows are in memory twice, not three times
    let order = sort_to_indices(all.column(column), None, None)?;
    let sorted = take_record_batch(&all, &order)?;
    let starts = (0..sorted.num_rows()).step_by(batch_size);
    let slices = starts.map(move |start| {
        let length = batch_size.min(sorted.num_rows() - start);
        Ok(sorted.slice(start, length))
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(
        schema,
        stream::iter(slices),
    )))
}

/// Whether the values of the only column ascend.
async fn ascend(mut keys: SendableRecordBatchStream) -> Result<bool> {
    let mut last: Option<ArrayRef> = None;
    while let Some(batch) = keys.try_next().await? {
        let values = batch.column(0);
        let Some(followed) = values.len().checked_sub(1) else {
            continue;
        };
        let ascend = lt_eq(&values.slice(0, followed), &values.slice(1, followed))?;
        if ascend.true_count() < followed {
            return Ok(false);
        }
        if let Some(last) = last.replace(values.slice(followed, 1))
            && lt_eq(&last, &values.slice(0, 1))?.true_count() == 0
        {
            return Ok(false);
        }
    }
    Ok(true)
}
