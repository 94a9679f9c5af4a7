//! Results in parts: each is computed by the thread that reads it.
//!
//! What a thread has decoded is still in its core's cache when it goes on with the rows, and no other thread has to be
//! woken for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use adbc_core::error::{Result, Status};
use datafusion::arrow::array::RecordBatchReader;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::cancel::lock;
use crate::error::error;
use crate::row_wise::row_wise;

type Reader = Box<dyn RecordBatchReader + Send + 'static>;

/// Whether the plan's partitions may be read in parts: there are several, and each is computed a batch at a time. A
/// sort or a join may take seconds for one, and a reader that computes can't be cancelled meanwhile.
pub(crate) fn has_parts(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.output_partitioning().partition_count() > 1 && row_wise(plan).is_some()
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
