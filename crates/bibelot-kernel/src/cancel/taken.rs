//! What was told alone: single expiries that single levels were told of.
//!
//! A level's `told` stamp covers every expiry up to it, which is right for a delivery where all can be
//! heard: what is stronger was told before, and what is weaker is silenced. It is not where an expiry is
//! taken by hand, which silences nothing, nor behind a shield, which hides stronger ones that are still to
//! come. There it is written down here, as (level, limit), until either is gone.
//!
//! # Invariants
//!
//! - Frames that a pair names have `has_taken`, so nobody else pays for a look.
//! - A pair's limit is around its level, or is its level.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::frame::Frame;

/// The pairs, found from either side.
struct Taken {
    by_level: BTreeSet<(u64, u64)>,
    by_limit: BTreeSet<(u64, u64)>,
}

impl Taken {
    fn insert(&mut self, level: u64, limit: u64) {
        self.by_level.insert((level, limit));
        self.by_limit.insert((limit, level));
    }

    /// The limits of whose expiry `level` was told.
    fn of_level(&self, level: u64) -> Vec<u64> {
        let pairs = self.by_level.range((level, 0)..=(level, u64::MAX));
        pairs.map(|(_, limit)| *limit).collect()
    }

    fn forget(&mut self, id: u64) {
        for limit in self.of_level(id) {
            self.by_level.remove(&(id, limit));
            self.by_limit.remove(&(limit, id));
        }
        let pairs = self.by_limit.range((id, 0)..=(id, u64::MAX));
        let levels: Vec<u64> = pairs.map(|(_, level)| *level).collect();
        for level in levels {
            self.by_limit.remove(&(id, level));
            self.by_level.remove(&(level, id));
        }
    }
}

thread_local! {
    static TAKEN: RefCell<Taken> = const {
        RefCell::new(Taken { by_level: BTreeSet::new(), by_limit: BTreeSet::new() })
    };
}

/// Looks at or changes the pairs; on a thread that is coming to its end there are none left.
fn with<R: Default>(act: impl FnOnce(&mut Taken) -> R) -> R {
    let done = TAKEN.try_with(|taken| act(&mut taken.borrow_mut()));
    done.unwrap_or_default()
}

/// Whether `level` was told of the expiry of `limit`.
pub(crate) fn is_told(level: &Frame, limit: &Frame) -> bool {
    level.has_taken && with(|taken| taken.by_level.contains(&(level.id, limit.id)))
}

/// Notes that `levels` were told of the expiry of `limit`.
pub(crate) fn tell<'a>(levels: impl Iterator<Item = &'a mut Frame>, limit: u64) {
    with(|taken| {
        for frame in levels {
            frame.has_taken = true;
            taken.insert(frame.id, limit);
        }
    });
}

/// Gives a new level what the one around it was told.
pub(crate) fn inherit(level: &mut Frame, outer: &Frame) {
    if !outer.has_taken {
        return;
    }
    level.has_taken = true;
    with(|taken| {
        for limit in taken.of_level(outer.id) {
            taken.insert(level.id, limit);
        }
    });
}

/// Forgets a scope that is gone.
#[inline]
pub(crate) fn forget(scope: &Frame) {
    if scope.has_taken {
        with(|taken| taken.forget(scope.id));
    }
}

#[cfg(test)]
mod tests {
    use bibelot_timer::Instant;

    use super::*;
    use crate::cancel::frame::Kind;

    fn limit(id: u64) -> Frame {
        let mut frame = Frame::new(Kind::Limit, Instant::FAR);
        frame.id = id;
        frame
    }

    #[test]
    fn what_was_told_is_inherited_and_forgotten_with_its_limit() {
        let mut path = [limit(1), limit(2), limit(3)];
        tell(path.iter_mut().skip(1), 2);
        let [outer, middle, inner] = path;
        assert!(is_told(&inner, &middle) && is_told(&middle, &middle));
        assert!(!is_told(&inner, &inner) && !is_told(&outer, &middle));
        let mut next = limit(4);
        inherit(&mut next, &inner);
        assert!(is_told(&next, &middle) && !is_told(&next, &inner));
        forget(&inner);
        assert!(!is_told(&inner, &middle) && is_told(&next, &middle));
        forget(&middle);
        assert_eq!(with(|taken| taken.by_level.len() + taken.by_limit.len()), 0);
    }

    #[test]
    fn a_crowd_of_scopes_is_told_and_forgotten_one_by_one() {
        const CROWD: u64 = 200_000;
        for id in (1..CROWD).step_by(2) {
            let mut path = [limit(id), limit(id + 1)];
            tell(path.iter_mut(), id);
        }
        let told = |id| {
            let mut level = limit(id);
            level.has_taken = true;
            is_told(&level, &limit(if id % 2 == 1 { id } else { id - 1 }))
        };
        assert!((1..CROWD).all(told));
        for id in 1..=CROWD {
            let mut level = limit(id);
            level.has_taken = true;
            forget(&level);
        }
        assert_eq!(with(|taken| taken.by_level.len() + taken.by_limit.len()), 0);
    }
}
