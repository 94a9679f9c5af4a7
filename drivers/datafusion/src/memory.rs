//! What a query may hold: its memory pool and its spill files.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adbc_core::error::{Error, Result};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::{ConfigNonZeroUsize, ConfigOptions, ExecutionOptions};
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::error::from_datafusion;
use crate::options::{Limits, SPILL_PATH};
use crate::pool::SortingPool;
use crate::spill_home::SpillHome;

/// How many consumers an out-of-memory message names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::new(5).unwrap();

/// What the system says of a full disk, of a quota and of a limit: DataFusion hands on its words only.
const DISK_FULL: [&str; 3] = [
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
];

type Pool = TrackConsumersPool<SortingPool>;

/// A pool of `limit` bytes.
pub(crate) fn new_pool(limit: usize) -> Arc<dyn MemoryPool> {
    Arc::new(Pool::new(SortingPool::new(limit), CONSUMERS_NAMED))
}

/// The environment of one query: the caches and object stores of `base`, a pool of its own or the
/// `shared` one, and spill files of its own, which the guard removes.
pub(crate) fn query_env(
    base: &RuntimeEnv,
    shared: Option<Arc<dyn MemoryPool>>,
    limits: &Limits,
) -> Result<(Arc<RuntimeEnv>, SpillGuard)> {
    let spill_limit = limits
        .spill
        .unwrap_or_else(|| base.disk_manager.max_temp_directory_size());
    let mut disk = DiskManagerBuilder::default()
        .with_max_spill_merge_fan_in(base.disk_manager.max_spill_merge_fan_in())
        .with_max_temp_directory_size(spill_limit);
    let pool = limits.memory.map(new_pool).or(shared);
    let home = match &limits.spill_path {
        Some(path) => {
            let home = SpillHome::within(path);
            Some(home.map_err(|cause| in_spill_path(cause.into(), path))?)
        }
        // Without a limit nothing spills. And where nothing can be written, what need not may run all the same.
        None if pool.is_some() => SpillHome::within(&std::env::temp_dir()).ok(),
        None => None,
    };
    if let Some(home) = &home {
        disk = disk.with_mode(DiskManagerMode::Directories(vec![home.path().to_owned()]));
    }
    let mut builder = RuntimeEnvBuilder::from_runtime_env(base).with_disk_manager_builder(disk);
    if let Some(pool) = pool {
        builder = builder.with_memory_pool(pool);
    }
    let env = builder
        .build_arc()
        .map_err(|cause| match &limits.spill_path {
            Some(path) => in_spill_path(cause, path),
            None => from_datafusion(cause),
        })?;
    let guard = SpillGuard {
        env: Arc::clone(&env),
        home,
    };
    Ok((env, guard))
}

fn in_spill_path(cause: DataFusionError, path: &Path) -> Error {
    from_datafusion(cause.context(format!("spill files in '{}'", path.display())))
}

/// Removes a query's spill files as soon as the query is over. DataFusion removes them when its
/// last task lets go, which may be after the client's process has ended.
#[derive(Debug)]
pub(crate) struct SpillGuard {
    env: Arc<RuntimeEnv>,
    home: Option<Arc<SpillHome>>,
}

impl SpillGuard {
    /// The error of a query; where the disk takes no more, with the place of the query's files.
    pub(crate) fn locate(&self, mut cause: Error) -> Error {
        let full = DISK_FULL.iter().any(|text| cause.message.contains(text));
        let paths = self.env.disk_manager.temp_dir_paths();
        let spilled = paths.first().map(PathBuf::as_path);
        let home = self.home.as_ref().map(|home| home.path());
        if full && let Some(directory) = home.or(spilled).and_then(Path::parent) {
            cause.message += &format!(
                "; the query's spill files are in '{}': free space there, or set '{SPILL_PATH}' to another directory",
                directory.display()
            );
        }
        cause
    }
}

impl Drop for SpillGuard {
    fn drop(&mut self) {
        for path in self.env.disk_manager.temp_dir_paths() {
            // A task that is being stopped may still write here; its own clean-up follows ours.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// What each run that a merge reads takes beside its batches: file and decoding buffers.
const BYTES_A_RUN: usize = 3 << 19;
/// How many runs a merge takes at once: at least, so that few passes do, and at most.
const FAN_IN: std::ops::RangeInclusive<usize> = 8..=128;
/// A merge accounts for four batches a run. They get half of the memory.
const BATCHES_A_RUN: usize = 4 * 2;
/// Fewer rows a batch cost more time than the memory is worth.
const MIN_BATCH_ROWS: usize = 256;
/// A partition with less memory than this spends its time spilling,
const BYTES_A_PARTITION: usize = 16 << 20;
/// and one with less than this may not have room for a few batches.
const LEAST_BYTES_A_PARTITION: usize = 4 << 20;
/// What a string, a list or the like is taken to hold.
const VARIABLE_WIDTH: usize = 48;

/// Lowers the partitions of a query with `limit` bytes of its own so that each has enough, most of
/// all if their number is DataFusion's default, one a core.
pub(crate) fn bound_partitions(config: &mut ConfigOptions, limit: usize) {
    let execution = &mut config.execution;
    let by_default = ExecutionOptions::default().target_partitions;
    let least = match execution.target_partitions == by_default {
        true => BYTES_A_PARTITION,
        false => LEAST_BYTES_A_PARTITION,
    };
    execution.target_partitions = execution.target_partitions.min((limit / least).max(1));
}

/// Fits what is left at DataFusion's defaults to the query's memory: with a small limit, the
/// defaults reserve for one merge more than there is, make batches so large that a merge takes only
/// a few runs at once, and yet have it open so many files that their buffers exceed the limit.
pub(crate) fn fit_to_limit(
    config: &mut ConfigOptions,
    env: &RuntimeEnv,
    plan: &Arc<dyn ExecutionPlan>,
) {
    let MemoryLimit::Finite(limit) = env.memory_pool.memory_limit() else {
        return;
    };
    let sorts = count_sorts(plan);
    let share = limit / sorts.max(1);
    let fan_in = (share / BYTES_A_RUN).clamp(*FAN_IN.start(), *FAN_IN.end());
    if env.disk_manager.max_spill_merge_fan_in() == 0 {
        env.disk_manager.set_max_spill_merge_fan_in(fan_in);
    }
    let defaults = ExecutionOptions::default();
    let execution = &mut config.execution;
    if execution.sort_spill_reservation_bytes == defaults.sort_spill_reservation_bytes {
        let reservation = (share / 16).min(defaults.sort_spill_reservation_bytes);
        execution.sort_spill_reservation_bytes = reservation;
    }
    if execution.sort_in_place_threshold_bytes == defaults.sort_in_place_threshold_bytes {
        let threshold = (share / 16).min(defaults.sort_in_place_threshold_bytes);
        execution.sort_in_place_threshold_bytes = threshold;
    }
    if execution.batch_size == defaults.batch_size {
        let rows = share / fan_in / BATCHES_A_RUN / row_width(plan.as_ref());
        let rows = rows.clamp(MIN_BATCH_ROWS, defaults.batch_size.get());
        execution.batch_size = ConfigNonZeroUsize::try_new(rows).unwrap_or(defaults.batch_size);
    }
}

/// Tells the query's own pool which sorts will come.
pub(crate) fn expect_sorts(env: &RuntimeEnv, plan: &Arc<dyn ExecutionPlan>) {
    if let Some(pool) = env.memory_pool.downcast_ref::<Pool>() {
        pool.inner().expect_sorts(count_sorts(plan));
    }
}

/// How many sorts, each with a merge of its own, run at the same time. A top-k is not one.
fn count_sorts(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let own = match plan.downcast_ref::<SortExec>() {
        Some(sort) if sort.fetch().is_none() => plan.output_partitioning().partition_count(),
        _ => 0,
    };
    own + plan.children().into_iter().map(count_sorts).sum::<usize>()
}

/// Bytes of one row of the result, roughly: what the types say, or the sources' statistics if that
/// is more.
fn row_width(plan: &dyn ExecutionPlan) -> usize {
    let schema = plan.schema();
    let widths = schema.fields().iter().map(|field| width(field.data_type()));
    let by_type = widths.sum::<usize>().max(1);
    let statistics = StatisticsContext::new().compute(plan, &StatisticsArgs::new());
    let by_statistics = statistics.ok().and_then(|statistics| {
        let bytes = *statistics.total_byte_size.get_value()?;
        bytes.checked_div(*statistics.num_rows.get_value()?)
    });
    by_type.max(by_statistics.unwrap_or(0))
}

fn width(kind: &DataType) -> usize {
    match kind {
        DataType::Boolean | DataType::Null => 1,
        DataType::FixedSizeBinary(bytes) => usize::try_from(*bytes).unwrap_or(VARIABLE_WIDTH),
        DataType::Struct(fields) => fields.iter().map(|field| width(field.data_type())).sum(),
        kind => kind.primitive_width().unwrap_or(VARIABLE_WIDTH),
    }
}
