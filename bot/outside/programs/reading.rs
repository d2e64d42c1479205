//! What a program prints: the beginning is kept, the rest is read and thrown away, so that it never waits for us.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

/// Of what it prints, in bytes.
const KEPT_MAX_BYTES: usize = 64 * 1024;

/// One of its outputs, being read.
pub(super) struct Reading {
    kept: Arc<Mutex<Vec<u8>>>,
    task: Option<JoinHandle<()>>,
}

impl Reading {
    pub(super) fn of(output: Option<impl AsyncRead + Unpin + Send + 'static>) -> Self {
        let kept: Arc<Mutex<Vec<u8>>> = Arc::default();
        let into = kept.clone();
        let task = output.map(|output| tokio::spawn(read(output, into)));
        Self { kept, task }
    }

    /// What was read when nobody can write any more, or after a while.
    pub(super) async fn text(mut self, limit: Duration) -> String {
        if let Some(task) = self.task.as_mut() {
            drop(tokio::time::timeout(limit, task).await);
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn read(mut output: impl AsyncRead + Unpin, into: Arc<Mutex<Vec<u8>>>) {
    let mut piece = vec![0_u8; 8 * 1024];
    while let Ok(length @ 1..) = output.read(&mut piece).await {
        let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT_MAX_BYTES.saturating_sub(kept.len());
        kept.extend(piece.iter().take(length.min(room)));
    }
}
