//! Sorts each partition by itself, in memory, where it is not in order already.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::compute::kernels::cmp::lt_eq;
use datafusion::arrow::compute::{concat_batches, sort_to_indices, take_record_batch};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};

/// Brings the rows of each partition, which fit in memory, in ascending order of a column without nulls.
#[derive(Debug)]
pub(crate) struct SortRangesExec {
    pub(crate) input: Arc<dyn ExecutionPlan>,
    pub(crate) column: usize,
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
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let batch_size = context.session_config().batch_size();
        let rows = self.input.execute(partition, context)?;
        let schema = self.schema();
        let column = self.column;
        let sorted = stream::once(async move {
            let batches: Vec<RecordBatch> = rows.try_collect().await?;
            let batches = in_order(batches, column, batch_size)?;
            Ok::<_, DataFusionError>(stream::iter(batches).map(Ok))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            sorted.try_flatten(),
        )))
    }
}

fn in_order(
    batches: Vec<RecordBatch>,
    column: usize,
    batch_size: usize,
) -> Result<Vec<RecordBatch>> {
    if batches.is_empty() || is_in_order(&batches, column)? {
        return Ok(batches);
    }
    let all = concat_batches(&batches[0].schema(), &batches)?;
    let order = sort_to_indices(all.column(column), None, None)?;
    let sorted = take_record_batch(&all, &order)?;
    let starts = (0..sorted.num_rows()).step_by(batch_size);
    Ok(starts
        .map(|start| sorted.slice(start, batch_size.min(sorted.num_rows() - start)))
        .collect())
}

fn is_in_order(batches: &[RecordBatch], column: usize) -> Result<bool> {
    let columns = batches.iter().map(|batch| batch.column(column));
    let columns: Vec<_> = columns.filter(|values| !values.is_empty()).collect();
    for values in &columns {
        let followed = values.len() - 1;
        let ascend = lt_eq(&values.slice(0, followed), &values.slice(1, followed))?;
        if ascend.true_count() < followed {
            return Ok(false);
        }
    }
    for pair in columns.windows(2) {
        let last = pair[0].slice(pair[0].len() - 1, 1);
        if lt_eq(&last, &pair[1].slice(0, 1))?.true_count() == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}
