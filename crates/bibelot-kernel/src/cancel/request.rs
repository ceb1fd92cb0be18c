//! The rules of delivery: which request is due at a trap, and what telling it changes.
//!
//! Plain functions over the path and what the task was asked, without a kernel around them, so that
//! they read like the specification they implement.

use bibelot_timer::Instant;

use super::cause::Cause;
use super::frame::{Frame, Kind};
use super::spot::Spot;
use super::taken;

/// A wish that the task stop, with the stamp that orders it among all requests and parkings.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub stamp: u64,
    pub cause: Cause,
}

/// What a task was asked from outside its scopes.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The latch: set at most once, kept to the end.
    pub cancel: Option<Wish>,
    /// An interrupt, or a request put back by hand; replaced by a newer one.
    pub note: Option<Wish>,
}

/// Where a request belongs. Origins further out are stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Cancel,
    Note,
    /// The scope whose frame has this id.
    Scope(u64),
}

/// A request that may be delivered.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub origin: Origin,
    pub cause: Cause,
}

/// The point of view from which a request is looked for.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub path: &'a [Frame],
    pub asked: &'a Asked,
    /// The number of the running task.
    pub task: u64,
    pub now: Instant,
}

impl Asked {
    /// Whether anything was asked.
    pub(crate) fn is_any(&self) -> bool {
        self.cancel.is_some() || self.note.is_some()
    }
}

impl View<'_> {
    /// The strongest request that may be delivered here to a trap that parked at `spot`, or to one
    /// that has not parked.
    pub(crate) fn due(self, spot: Option<Spot>) -> Option<Request> {
        let from = self
            .path
            .iter()
            .rposition(|frame| frame.masks(self.now))
            .map_or(0, |i| i + 1);
        self.strongest(from, spot)
    }

    /// The same, looking through shields.
    pub(crate) fn due_behind_shields(self) -> Option<Request> {
        self.strongest(0, None)
    }

    fn strongest(self, from: usize, spot: Option<Spot>) -> Option<Request> {
        let met = |stamp: u64, told: u64| {
            stamp > told || spot.is_some_and(|spot| spot.task == self.task && stamp > spot.stamp)
        };
        if from == 0
            && let Some(branch) = self.path.iter().rev().find(|frame| frame.is_branch())
        {
            if let Some(wish) = &self.asked.cancel
                && met(wish.stamp, branch.told_cancel)
            {
                return Some(Request {
                    origin: Origin::Cancel,
                    cause: wish.cause.clone(),
                });
            }
            if let Some(wish) = &self.asked.note
                && met(wish.stamp, branch.told_note)
            {
                return Some(Request {
                    origin: Origin::Note,
                    cause: wish.cause.clone(),
                });
            }
        }
        let level = self.path.iter().rev().find(|frame| frame.is_level())?;
        let is_met = |frame: &Frame| {
            // What the level was told of by hand, it was told of all the same.
            let told = if taken::is_told(level, frame) {
                u64::MAX
            } else {
                level.told
            };
            met(frame.fired, told)
        };
        let found = self.path[from..].iter().find(|frame| match frame.kind {
            Kind::Level => frame.fired != 0,
            _ => frame.is_edge() && frame.fired != 0 && !frame.silenced && is_met(frame),
        })?;
        Some(Request {
            origin: Origin::Scope(found.id),
            cause: found.cause(),
        })
    }
}

/// Notes on the path that `origin`'s request is delivered here, now; `last` is the newest stamp.
pub(crate) fn tell(path: &mut [Frame], origin: Origin, last: u64) {
    silence_inside(path, origin);
    match origin {
        Origin::Cancel => branches(path).for_each(|frame| frame.told_cancel = last),
        Origin::Note => branches(path).for_each(|frame| frame.told_note = last),
        Origin::Scope(_) => tell_levels(path, last),
    }
}

/// Notes that a request was taken by hand: every level up to its origin is told of it, and of it alone, so
/// that it does not come back, and nothing is silenced.
pub(crate) fn tell_taken(path: &mut [Frame], origin: Origin, last: u64) {
    match origin {
        Origin::Cancel => branches(path).for_each(|frame| frame.told_cancel = last),
        Origin::Note => branches(path).for_each(|frame| frame.told_note = last),
        Origin::Scope(id) => {
            // A level scope that is stopped is told again and again whatever was taken.
            if path.iter().any(|frame| frame.id == id && frame.is_edge()) {
                taken::tell(path, id);
            }
        }
    }
}

fn branches(path: &mut [Frame]) -> impl Iterator<Item = &mut Frame> {
    path.iter_mut().filter(|frame| frame.is_branch())
}

fn silence_inside(path: &mut [Frame], origin: Origin) {
    let inside = match origin {
        Origin::Cancel => 0,
        Origin::Note => return,
        Origin::Scope(id) => match path.iter().position(|frame| frame.id == id) {
            Some(index) => index + 1,
            None => return,
        },
    };
    for frame in &mut path[inside..] {
        if frame.is_edge() {
            frame.silenced = true;
        }
    }
}

/// From the innermost level outwards through branches, up to and including the first other level.
fn tell_levels(path: &mut [Frame], last: u64) {
    for frame in path.iter_mut().rev().filter(|frame| frame.is_level()) {
        frame.told = last;
        if frame.kind != Kind::Branch {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_has_the_number_of_its_task_silences_only_what_is_inside() {
        let mut path = [
            Frame::root(7),
            Frame::new(Kind::Limit, Instant::FAR),
            Frame::new(Kind::Limit, Instant::FAR),
            Frame::new(Kind::Limit, Instant::FAR),
        ];
        for (frame, id) in path.iter_mut().skip(1).zip([6, 7, 8]) {
            frame.id = id;
        }
        tell(&mut path, Origin::Scope(7), 9);
        let silenced: Vec<bool> = path.iter().map(|frame| frame.silenced).collect();
        assert_eq!(silenced, [false, false, false, true]);
    }
}
