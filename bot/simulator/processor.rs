//! Keeps a simulating thread, and what it starts, on one processor.

/// A run goes from one thread to another and back for every call to the database, and is four times as fast where both share a processor.
/// Threads take turns in choosing one. Where that is not allowed, or not on Linux, runs are slower.
pub(super) fn keep_to_one() {
    thread_local! {
        static KEPT: () = keep();
    }
    KEPT.with(|()| ());
}

#[cfg(target_os = "linux")]
fn keep() {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let allowed = ALLOWED.get_or_init(|| {
        let allowed = sched_getaffinity(None).ok();
        (0..CpuSet::MAX_CPU).filter(|one| allowed.is_some_and(|allowed| allowed.is_set(*one))).collect()
    });
    let turn = NEXT.fetch_add(1, Ordering::Relaxed).checked_rem(allowed.len());
    if let Some(one) = turn.and_then(|turn| allowed.get(turn)) {
        let mut only = CpuSet::new();
        only.set(*one);
        let _ = sched_setaffinity(None, &only);
    }
}

#[cfg(not(target_os = "linux"))]
fn keep() {}
