//! Cancelling what a statement or a connection is doing, from any thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adbc_core::CancelHandle;
use adbc_core::error::Result;
use tokio::sync::watch;

/// Locks `mutex`, also after a panic: what our mutexes guard is valid between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Set once, seen by every clone.
#[derive(Clone, Debug)]
pub(crate) struct CancelToken(Arc<watch::Sender<bool>>);

impl CancelToken {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    pub(crate) fn cancel(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when the token is cancelled.
    pub(crate) async fn cancelled(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}

/// The token of the operation in progress. An operation that starts takes a fresh one, so a cancel
/// stops what runs now and nothing that comes after.
#[derive(Clone, Debug)]
pub(crate) struct CancelSlot(Arc<Mutex<CancelToken>>);

impl CancelSlot {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(CancelToken::new())))
    }

    pub(crate) fn start(&self) -> CancelToken {
        let token = CancelToken::new();
        *lock(&self.0) = token.clone();
        token
    }

    /// A token for something that runs beside the operation in progress and is cancelled with it.
    pub(crate) fn join(&self) -> CancelToken {
        let mut current = lock(&self.0);
        if current.is_cancelled() {
            *current = CancelToken::new();
        }
        current.clone()
    }
}

impl CancelHandle for CancelSlot {
    fn try_cancel(&self) -> Result<()> {
        // The operation that this wakes may end, and its statement be released, before this returns:
        // from here on nothing of the statement is touched.
        let token = lock(&self.0).clone();
        token.cancel();
        Ok(())
    }
}
