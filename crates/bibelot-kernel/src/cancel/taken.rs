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

use super::frame::Frame;

thread_local! {
    static TAKEN: RefCell<Vec<(u64, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Looks at or changes the pairs; on a thread that is coming to its end there are none left.
fn with<R: Default>(act: impl FnOnce(&mut Vec<(u64, u64)>) -> R) -> R {
    let done = TAKEN.try_with(|taken| act(&mut taken.borrow_mut()));
    done.unwrap_or_default()
}

/// Whether `level` was told of the expiry of `limit`.
pub(crate) fn is_told(level: &Frame, limit: &Frame) -> bool {
    level.has_taken && with(|taken| taken.contains(&(level.id, limit.id)))
}

/// Notes that `levels` were told of the expiry of `limit`.
pub(crate) fn tell<'a>(levels: impl Iterator<Item = &'a mut Frame>, limit: u64) {
    with(|taken| {
        for frame in levels {
            frame.has_taken = true;
            taken.push((frame.id, limit));
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
        let told = taken.iter().filter(|(told, _)| *told == outer.id);
        let told: Vec<u64> = told.map(|(_, limit)| *limit).collect();
        taken.extend(told.into_iter().map(|limit| (level.id, limit)));
    });
}

/// Forgets a scope that is gone.
pub(crate) fn forget(scope: &Frame) {
    if scope.has_taken {
        let id = scope.id;
        with(|taken| taken.retain(|(level, limit)| *level != id && *limit != id));
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
        assert_eq!(with(|taken| taken.len()), 0);
    }
}
