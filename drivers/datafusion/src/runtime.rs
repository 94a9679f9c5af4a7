//! The threads that run queries.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use adbc_core::error::{Error, Result, Status};
use futures::future::{Either, select};
use tokio::runtime::{Builder, Handle};
use tokio::task::{JoinError, JoinHandle};

use crate::cancel::CancelToken;
use crate::error::{cancelled, error, from_panic};

/// Deep expressions recurse while they are planned; this is address space, not memory.
const WORKER_STACK_BYTES: usize = 8 << 20;

/// How long a thread that reads files waits for more to do: what it has freed goes back to the system with it.
const IDLE: Duration = Duration::from_millis(100);

/// File reads block. The merge of a large sort has hundreds of them in flight, and by default tokio
/// gives each a thread, whose stack and allocator caches no memory limit sees.
fn blocking_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    32 + 4 * cores
}

/// How long the end of a runtime waits for its threads.
const PATIENCE: Duration = Duration::from_secs(1);

/// The worker threads of a database, held by what a client holds: the database, its connections,
/// statements and open results, but by no task.
///
/// The client that lets go last waits for the threads, for what a query still holds may be the
/// client's own: rows that it bound are freed by its code, which a client that ends may have taken
/// down already. It waits `PATIENCE` and no longer: a query that does not yield must not hold up the
/// client that has given up on it.
#[derive(Debug)]
pub(crate) struct Runtime {
    tokio: Option<tokio::runtime::Runtime>,
    workers: Workers,
}

impl Runtime {
    pub(crate) fn new() -> Result<Self> {
        let tokio = Builder::new_multi_thread()
            .enable_all()
            .thread_name("datafusion")
            .max_blocking_threads(blocking_threads())
            .thread_stack_size(WORKER_STACK_BYTES)
            .thread_keep_alive(IDLE)
            .build()
            .map_err(|cause| error(Status::IO, format!("cannot start threads: {cause}")))?;
        let workers = Workers(tokio.handle().clone());
        Ok(Self {
            tokio: Some(tokio),
            workers,
        })
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(tokio) = self.tokio.take() {
            blocking(move || tokio.shutdown_timeout(PATIENCE));
        }
    }
}

/// Runs work on the threads of a runtime, as long as that lives.
#[derive(Clone, Debug)]
pub(crate) struct Workers(Handle);

impl Workers {
    /// Runs `work` on a worker thread and waits for it, for a cancel, or for its panic.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        cancel: &CancelToken,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let mut task = AbortOnDrop(self.spawn(work));
        self.block_on(async {
            match select(pin!(cancel.cancelled()), &mut task.0).await {
                Either::Left(_) => Err(cancelled()),
                Either::Right((joined, _)) => joined.unwrap_or_else(|cause| Err(joining(cause))),
            }
        })
    }

    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.spawn(work)
    }

    pub(crate) fn block_on<T: Send>(&self, work: impl Future<Output = T> + Send) -> T {
        blocking(|| self.0.block_on(work))
    }
}

/// Waits on the calling thread, also when that thread belongs to a client's own runtime, whose
/// threads must not wait.
fn blocking<T: Send>(wait: impl FnOnce() -> T + Send) -> T {
    if Handle::try_current().is_err() {
        return wait();
    }
    std::thread::scope(|scope| match scope.spawn(wait).join() {
        Ok(value) => value,
        Err(payload) => std::panic::resume_unwind(payload),
    })
}

/// Ends a task when its waiter goes away.
pub(crate) struct AbortOnDrop<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What it means that a task did not end by itself.
pub(crate) fn joining(cause: JoinError) -> Error {
    match cause.try_into_panic() {
        Ok(payload) => from_panic(&*payload),
        Err(_) => cancelled(),
    }
}
