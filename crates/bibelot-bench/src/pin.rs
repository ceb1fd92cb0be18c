//! Pinning: the measured thread on the first processor that may be used, the generator on the last.
//!
//! A child inherits the place of its parent and could not see the other one, so it is told both.

use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The variable by which a child is told.
pub const PROCESSORS: &str = "BIBELOT_BENCH_PROCESSORS";

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
    if let Some(processor) = processor(place) {
        let mut set = CpuSet::new();
        set.set(processor);
        // Unpinned it measures as well, with more noise.
        let _ = sched_setaffinity(None, &set);
    }
}

/// The number of the processor of a place.
pub fn processor(place: Place) -> Option<usize> {
    let &(first, last) = places().as_ref()?;
    Some(match place {
        Place::Contender => first,
        Place::Load => last,
    })
}

/// What a child is told.
pub fn processors() -> String {
    places().map_or_else(String::new, |(first, last)| format!("{first} {last}"))
}

/// The first and the last processor that may be used: found before anybody is pinned, and then kept.
fn places() -> &'static Option<(usize, usize)> {
    static PLACES: OnceLock<Option<(usize, usize)>> = OnceLock::new();
    PLACES.get_or_init(|| told().or_else(found))
}

fn told() -> Option<(usize, usize)> {
    let text = std::env::var(PROCESSORS).ok()?;
    let (first, last) = text.split_once(' ')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn found() -> Option<(usize, usize)> {
    let allowed = sched_getaffinity(None).ok()?;
    let mut usable = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
    let first = usable.next()?;
    Some((first, usable.next_back().unwrap_or(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stay_what_they_were_when_one_is_taken() {
        let before = processors();
        std::thread::spawn(move || {
            pin(Place::Load);
            let only = found().unwrap();
            assert_eq!((only.0, Some(only.0)), (only.1, processor(Place::Load)));
            assert_eq!(processors(), before);
        })
        .join()
        .unwrap();
    }
}
