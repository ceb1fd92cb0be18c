//! Pinning: the measured thread on the first processor that may be used, the generator on the last.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Which processor a thread is pinned to.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Where contenders run.
    Contender,
    /// Where the load comes from.
    Load,
}

/// Pins the calling thread, if the operating system lets it. With one processor both places are one.
pub fn pin(place: Place) {
    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let mut usable = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
    let chosen = match place {
        Place::Contender => usable.next(),
        Place::Load => usable.next_back(),
    };
    if let Some(cpu) = chosen {
        let mut set = CpuSet::new();
        set.set(cpu);
        // Unpinned it measures as well, with more noise.
        let _ = sched_setaffinity(None, &set);
    }
}
