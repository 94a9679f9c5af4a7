//! Reads files in their order by several threads.
//!
//! A query whose order is that of its files is one partition in DataFusion, which one thread reads; or it is
//! several, whose merge waits for one while the others stand still. Here the files are cut into ranges. Some
//! ranges are read at the same time, each into a small buffer, and are handed on one after the other.
//!
//! A sort of the whole becomes one of each range where the ranges are known to follow each other.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::in_order::InOrderExec;
use crate::range_order::{bounds_of, ranges_in_order};
use crate::row_wise::row_wise;
use crate::sort_ranges::SortRangesExec;

/// Bytes of files a range, at least: some row groups.
pub(crate) const RANGE_BYTES: u64 = 4 << 20;
/// Each range is a partition of the plan, which costs a little by itself.
pub(crate) const MAX_RANGES: u64 = 1024;

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
            let sorted = sort_in_ranges(&plan, self.metadata.as_ref());
            let Some(parts) = sorted.or_else(|| in_ranges(&plan)).transpose()? else {
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

/// The sort with a partition for each range of its files; `None` where the ranges don't follow each other.
fn sort_in_ranges(
    plan: &Arc<dyn ExecutionPlan>,
    metadata: &FileMetadataCache,
) -> Option<Result<Arc<dyn ExecutionPlan>>> {
    let sort = plan.downcast_ref::<SortExec>()?;
    if plan.output_partitioning().partition_count() != 1 {
        return None; // each partition would deliver all rows
    }
    let [key] = sort.expr().as_ref() else {
        return None;
    };
    let column = key.expr.downcast_ref::<Column>()?.index();
    if key.options != SortOptions::new(false, false) {
        return None;
    }
    let read = RowWise::of(sort.input())?;
    let ranges = ranges_in_order(read.scan, &read.file_column(column)?, metadata)?;
    let keys = column_of(read.scan, read.scan_column(column)?, ranges.clone()).transpose()?;
    let sorted = keys.and_then(|keys| {
        let input = read.over(ranges)?;
        let sorted = SortRangesExec {
            input,
            column,
            keys,
        };
        Ok(Arc::new(sorted) as Arc<dyn ExecutionPlan>)
    });
    Some(sorted)
}

/// One column of the scan; `None` where its files can't be read without the others.
fn column_of(
    scan: &FileScanConfig,
    column: usize,
    ranges: Vec<FileGroup>,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let schema = scan.projected_schema()?;
    let alone = ProjectionExprs::from_indices(&[column], &schema);
    let source = scan.file_source.try_pushdown_projection(&alone)?;
    Ok(source.map(|source| scan_of(scan, ranges, source)))
}

/// The scan of these ranges, each a partition of its own, that no other may take from.
fn scan_of(
    scan: &FileScanConfig,
    ranges: Vec<FileGroup>,
    source: Arc<dyn FileSource>,
) -> Arc<dyn ExecutionPlan> {
    let scan = FileScanConfigBuilder::from(scan.clone())
        .with_source(source)
        .with_file_groups(ranges)
        .with_preserve_order(true)
        .build();
    DataSourceExec::from_data_source(scan)
}

/// The plan with a partition for each range of its files; `None` where it is no ordered scan, or too small.
fn in_ranges(plan: &Arc<dyn ExecutionPlan>) -> Option<Result<Arc<dyn ExecutionPlan>>> {
    let merge = plan.downcast_ref::<SortPreservingMergeExec>();
    let read = RowWise::of(merge.map_or(plan, SortPreservingMergeExec::input))?;
    // Without an order DataFusion's own partitions do.
    if read.scan.output_ordering.is_empty() {
        return None;
    }
    let files = match read.scan.file_groups.as_slice() {
        [group] => group.files().to_vec(),
        _ => parts_in_order(merge?, &read)?,
    };
    let ranges = ranges_of(&files);
    (ranges.len() > 1).then(|| read.over(ranges))
}

/// The parts of all groups, one behind the other in the order that the merge keeps; `None` where they may
/// overlap in it.
fn parts_in_order(merge: &SortPreservingMergeExec, read: &RowWise) -> Option<Vec<PartitionedFile>> {
    let start = |part: &PartitionedFile| part.range.as_ref().map_or(0, |range| range.start);
    let groups = read.scan.file_groups.iter();
    let mut parts: Vec<_> = groups.flat_map(FileGroup::iter).cloned().collect();
    let first = &parts.first()?.object_meta.location;
    if parts.iter().all(|part| part.object_meta.location == *first) {
        parts.sort_by_key(start);
        return Some(parts);
    }
    let [key] = merge.expr().as_ref() else {
        return None;
    };
    if key.options != SortOptions::new(false, false) {
        return None;
    }
    let column = read.file_column(key.expr.downcast_ref::<Column>()?.index())?;
    let bounds: Option<Vec<_>> = parts
        .iter()
        .map(|part| bounds_of(part, read.scan, &column))
        .collect();
    let mut parts: Vec<_> = bounds?.into_iter().zip(parts).collect();
    parts.sort_by(|((one, _), part), ((other, _), next)| {
        let of_file = part.object_meta.location.cmp(&next.object_meta.location);
        let by_least = one.partial_cmp(other).unwrap_or(Ordering::Equal);
        by_least.then(of_file).then(start(part).cmp(&start(next)))
    });
    let follows = parts.windows(2).all(|pair| {
        let (((_, greatest), part), ((least, _), next)) = (&pair[0], &pair[1]);
        part.object_meta.location == next.object_meta.location || greatest <= least
    });
    follows.then(|| parts.into_iter().map(|(_, part)| part).collect())
}

/// A scan of Parquet files, and the operators above it, the topmost first.
struct RowWise<'a> {
    operators: Vec<&'a Arc<dyn ExecutionPlan>>,
    scan: &'a FileScanConfig,
}

impl<'a> RowWise<'a> {
    /// `None` where the plan is anything else.
    fn of(plan: &'a Arc<dyn ExecutionPlan>) -> Option<Self> {
        let (operators, scan) = row_wise(plan)?;
        let scan = scan.downcast_ref::<DataSourceExec>()?;
        let scan = scan.data_source().downcast_ref::<FileScanConfig>()?;
        // Files of other formats can't be read from their middle.
        let is_parquet = scan.file_source.file_type() == "parquet";
        is_parquet.then_some(Self { operators, scan })
    }

    /// The column of the scan that column number `column` is; `None` where it is none of its.
    fn scan_column(&self, column: usize) -> Option<usize> {
        let below = |column: usize, operator: &&Arc<dyn ExecutionPlan>| {
            if let Some(projection) = operator.downcast_ref::<ProjectionExec>() {
                let column = projection.expr()[column].expr.downcast_ref::<Column>();
                return column.map(Column::index);
            }
            let filter = operator.downcast_ref::<FilterExec>();
            let projection = filter.and_then(|filter| filter.projection().as_ref());
            Some(projection.map_or(column, |projection| projection[column]))
        };
        self.operators.iter().try_fold(column, below)
    }

    /// The same of the files.
    fn file_column(&self, column: usize) -> Option<String> {
        let column = self.scan_column(column)?;
        match self.scan.file_source.projection() {
            Some(projection) => {
                let expr = &projection.as_ref()[column].expr;
                Some(expr.downcast_ref::<Column>()?.name().to_owned())
            }
            None => {
                let schema = self.scan.file_source.table_schema().table_schema();
                Some(schema.field(column).name().clone())
            }
        }
    }

    /// The same over these ranges.
    fn over(&self, ranges: Vec<FileGroup>) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = scan_of(self.scan, ranges, Arc::clone(&self.scan.file_source));
        let mut operators = self.operators.iter().rev();
        operators.try_fold(scan, |input, operator| {
            replace_children_if_necessary(Arc::clone(operator), vec![input])
        })
    }
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
