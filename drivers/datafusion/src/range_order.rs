//! Whether files can be read in the order of a column, range by range, though nobody says so: the statistics
//! of their row groups tell. Rows within a range may stand in any order.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::kernels::cmp::lt_eq;
use datafusion::arrow::compute::{concat, sort_to_indices, take};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::stats::Precision;
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::parquet::metadata::CachedParquetMetaData;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use datafusion::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use datafusion::scalar::ScalarValue;

use crate::scan_ahead::{MAX_RANGES, RANGE_BYTES};

/// Bytes of rows, uncompressed, that a range may hold: they may have to be sorted.
const MAX_RANGE_ROWS: i64 = 64 << 20;

struct RowGroup<'a> {
    file: &'a PartitionedFile,
    start: i64,
    end: i64,
    bytes: i64,
}

/// The files cut into ranges that follow each other in `column`; `None` where they don't, and where the
/// files' metadata is not at hand.
pub(crate) fn ranges_in_order(
    config: &FileScanConfig,
    column: &str,
    cache: &FileMetadataCache,
) -> Option<Vec<FileGroup>> {
    let (_, field) = config.file_schema().column_with_name(column)?;
    if !is_ordered_as_its_statistics(field.data_type()) {
        return None;
    }
    let mut groups = Vec::new();
    let mut least = Vec::new();
    let mut greatest = Vec::new();
    for file in config.file_groups.iter().flat_map(FileGroup::iter) {
        let metadata = metadata_of(file, cache)?;
        let schema = config.file_schema();
        let parquet_schema = metadata.file_metadata().schema_descr();
        let converter = StatisticsConverter::try_new(column, schema, parquet_schema).ok()?;
        let nulls = converter
            .row_group_null_counts(metadata.row_groups())
            .ok()?;
        if nulls.null_count() > 0 || nulls.values().iter().any(|count| *count > 0) {
            return None;
        }
        least.push(converter.row_group_mins(metadata.row_groups()).ok()?);
        greatest.push(converter.row_group_maxes(metadata.row_groups()).ok()?);
        groups.extend(row_groups(file, &metadata));
    }
    let order = order_of(&least, &greatest)?;
    let groups: Vec<&RowGroup> = order.iter().map(|i| &groups[*i as usize]).collect();
    if groups.iter().any(|group| group.bytes > MAX_RANGE_ROWS) {
        return None;
    }
    Some(join(&groups))
}

/// The least and the greatest value of a column in the whole of a file; `None` where its statistics don't
/// tell, and where a value is null.
pub(crate) fn bounds_of(
    file: &PartitionedFile,
    config: &FileScanConfig,
    column: &str,
) -> Option<(ScalarValue, ScalarValue)> {
    let (index, field) = config.file_schema().column_with_name(column)?;
    if !is_ordered_as_its_statistics(field.data_type()) {
        return None;
    }
    let statistics = file.statistics.as_ref()?.column_statistics.get(index)?;
    match (
        &statistics.null_count,
        &statistics.min_value,
        &statistics.max_value,
    ) {
        (Precision::Exact(0), Precision::Exact(least), Precision::Exact(greatest)) => {
            Some((least.clone(), greatest.clone()))
        }
        _ => None,
    }
}

/// Floats are not: their statistics leave NaN out. Text may be by signed bytes in old files.
fn is_ordered_as_its_statistics(kind: &DataType) -> bool {
    kind.is_integer() || matches!(kind, DataType::Date32 | DataType::Timestamp(_, _))
}

fn metadata_of(file: &PartitionedFile, cache: &FileMetadataCache) -> Option<Arc<ParquetMetaData>> {
    let size = file.object_meta.size as i64;
    let whole = |range: &FileRange| range.start == 0 && range.end == size;
    if !file.range.as_ref().is_none_or(whole) {
        return None;
    }
    let cached = cache.get(&file.object_meta.location)?;
    if !cached.is_valid_for(&file.object_meta) {
        return None;
    }
    let metadata = cached.file_metadata.as_any();
    let metadata = metadata.downcast_ref::<CachedParquetMetaData>()?;
    Some(Arc::clone(metadata.parquet_metadata()))
}

/// Where a scan of a range of the file looks whether it holds the row group.
fn start_of(group: &RowGroupMetaData) -> i64 {
    let column = group.column(0);
    column
        .dictionary_page_offset()
        .unwrap_or_else(|| column.data_page_offset())
}

fn row_groups<'a>(file: &'a PartitionedFile, metadata: &ParquetMetaData) -> Vec<RowGroup<'a>> {
    let groups = metadata.row_groups();
    let starts = groups.iter().map(start_of);
    let ends = groups.iter().skip(1).map(start_of);
    let ends = ends.chain([file.object_meta.size as i64]);
    let bytes = groups.iter().map(RowGroupMetaData::total_byte_size);
    starts
        .zip(ends)
        .zip(bytes)
        .map(|((start, end), bytes)| RowGroup {
            file,
            start,
            end,
            bytes,
        })
        .collect()
}

/// The numbers of the row groups by their least value; `None` where the next one begins before one ends.
fn order_of(least: &[ArrayRef], greatest: &[ArrayRef]) -> Option<Vec<u32>> {
    let joined =
        |arrays: &[ArrayRef]| concat(&arrays.iter().map(AsRef::as_ref).collect::<Vec<_>>()).ok();
    let (least, greatest) = (joined(least)?, joined(greatest)?);
    if least.len() < 2 || least.null_count() > 0 || greatest.null_count() > 0 {
        return None;
    }
    let order = sort_to_indices(&least, None, None).ok()?;
    let least = take(&least, &order, None).ok()?;
    let greatest = take(&greatest, &order, None).ok()?;
    let followed = least.len() - 1;
    let ascend = lt_eq(&greatest.slice(0, followed), &least.slice(1, followed)).ok()?;
    (ascend.true_count() == followed).then(|| order.values().to_vec())
}

/// Row groups that stand one behind the other in a file make one range, up to its size.
fn join(groups: &[&RowGroup]) -> Vec<FileGroup> {
    let total: i64 = groups.iter().map(|group| group.end - group.start).sum();
    let step = (RANGE_BYTES as i64).max(total / MAX_RANGES as i64);
    let mut ranges: Vec<(&PartitionedFile, i64, i64, i64)> = Vec::new();
    for group in groups {
        if let Some((file, start, end, bytes)) = ranges.last_mut()
            && std::ptr::eq(*file, group.file)
            && *end == group.start
            && group.end - *start <= step
            && *bytes + group.bytes <= MAX_RANGE_ROWS
        {
            *end = group.end;
            *bytes += group.bytes;
        } else {
            ranges.push((group.file, group.start, group.end, group.bytes));
        }
    }
    let part = |(file, start, end, _): (&PartitionedFile, i64, i64, i64)| {
        FileGroup::new(vec![file.clone().with_range(start, end)])
    };
    ranges.into_iter().map(part).collect()
}
