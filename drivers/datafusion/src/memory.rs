//! What a query may hold: its memory pool and its spill files.

use std::num::NonZeroUsize;
use std::sync::Arc;

use adbc_core::error::Result;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

use crate::error::from_datafusion;
use crate::options::Limits;

/// How many consumers an out-of-memory message names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::new(5).unwrap();

/// A pool of `limit` bytes.
pub(crate) fn new_pool(limit: usize) -> Arc<dyn MemoryPool> {
    Arc::new(TrackConsumersPool::new(
        FairSpillPool::new(limit),
        CONSUMERS_NAMED,
    ))
}

/// The environment of one query: the caches and object stores of `base`, a pool of its own or the
/// `shared` one, and spill files of its own.
pub(crate) fn query_env(
    base: &RuntimeEnv,
    shared: Option<Arc<dyn MemoryPool>>,
    limits: &Limits,
) -> Result<Arc<RuntimeEnv>> {
    let spill_limit = limits
        .spill
        .unwrap_or_else(|| base.disk_manager.max_temp_directory_size());
    let mut disk = DiskManagerBuilder::default()
        .with_max_spill_merge_fan_in(base.disk_manager.max_spill_merge_fan_in())
        .with_max_temp_directory_size(spill_limit);
    if let Some(path) = &limits.spill_path {
        disk = disk.with_mode(DiskManagerMode::Directories(vec![path.clone()]));
    }
    let mut builder = RuntimeEnvBuilder::from_runtime_env(base).with_disk_manager_builder(disk);
    if let Some(pool) = limits.memory.map(new_pool).or(shared) {
        builder = builder.with_memory_pool(pool);
    }
    builder.build_arc().map_err(from_datafusion)
}

/// Removes a query's spill files as soon as the query is over. DataFusion removes them when its
/// last task lets go, which may be after the client's process has ended.
#[derive(Debug)]
pub(crate) struct SpillGuard(pub(crate) Arc<RuntimeEnv>);

impl Drop for SpillGuard {
    fn drop(&mut self) {
        for path in self.0.disk_manager.temp_dir_paths() {
            // A task that is being stopped may still write here; its own clean-up follows ours.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
