//! The directory of this process's spill files, which the next process removes where this one could not.
//!
//! It is locked as long as a query lives that may need it. The system gives a lock back however a process ends, so a directory
//! without one is what a crash has left.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Result};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};

use crate::cancel::lock;

const PREFIX: &str = "datafusion-process-";

/// That of each directory where this process has had one, and has looked for what crashes left.
static HOMES: LazyLock<Mutex<HashMap<PathBuf, Weak<SpillHome>>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(crate) struct SpillHome {
    path: PathBuf,
    _lock: File,
}

impl SpillHome {
    /// The one in `parent`, which is made where only it is missing.
    pub(crate) fn within(parent: &Path) -> Result<Arc<Self>> {
        let mut homes = lock(&HOMES);
        let known = homes.get(parent);
        if let Some(home) = known.and_then(Weak::upgrade) {
            return Ok(home);
        }
        if !parent.exists() {
            fs::create_dir(parent)?;
        }
        if known.is_none() {
            remove_abandoned(parent);
        }
        let home = Arc::new(Self::new(parent)?);
        homes.insert(parent.to_owned(), Arc::downgrade(&home));
        Ok(home)
    }

    fn new(parent: &Path) -> Result<Self> {
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                // Processes of different containers may have one number.
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => continue,
                other => other?,
            }
            // Another process may take it for an abandoned one until it is locked.
            if let Ok(directory) = File::open(&path)
                && directory.lock().is_ok()
                && path.exists()
            {
                let _lock = directory;
                return Ok(Self { path, _lock });
            }
            if path.exists() {
                fs::remove_dir(&path)?;
                return Err(ErrorKind::Unsupported.into()); // no locks there
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpillHome {
    fn drop(&mut self) {
        // A task that is being stopped may still write here; its own clean-up follows ours.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Whatever can't be removed stays: it may be another user's.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        if let Ok(directory) = File::open(entry.path())
            && directory.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
