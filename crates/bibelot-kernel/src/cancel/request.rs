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

    /// The request of this origin's.
    pub(crate) fn of(self, origin: Origin) -> Option<Request> {
        let cause = match origin {
            Origin::Cancel => self.asked.cancel.as_ref()?.cause.clone(),
            Origin::Note => self.asked.note.as_ref()?.cause.clone(),
            Origin::Scope(id) => self.path.iter().find(|frame| frame.id == id)?.cause(),
        };
        Some(Request { origin, cause })
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
pub(crate) fn tell(path: &mut [Frame], origin: Origin, last: u64, now: Instant) {
    silence_inside(path, origin);
    let is_shielded = path.iter().any(|frame| frame.masks(now));
    match origin {
        Origin::Cancel => branches(path).for_each(|frame| frame.told_cancel = last),
        Origin::Note => branches(path).for_each(|frame| frame.told_note = last),
        Origin::Scope(id) if is_shielded => {
            if has_edge(path, id) {
                taken::tell(levels_told(path), id);
            }
        }
        Origin::Scope(_) => levels_told(path).for_each(|frame| frame.told = last),
    }
}

/// Notes that a request was taken by hand: every level up to its origin is told of it, and of it alone, so
/// that it does not come back, and nothing is silenced.
pub(crate) fn tell_taken(path: &mut [Frame], origin: Origin, last: u64) {
    match origin {
        Origin::Cancel => branches(path).for_each(|frame| frame.told_cancel = last),
        Origin::Note => branches(path).for_each(|frame| frame.told_note = last),
        Origin::Scope(id) => {
            if has_edge(path, id) {
                let levels = path.iter_mut().rev().filter(|frame| frame.is_level());
                taken::tell(up_to(levels, move |frame| frame.id == id), id);
            }
        }
    }
}

/// Whether `id` is told once: a level scope that is stopped is told again and again.
fn has_edge(path: &[Frame], id: u64) -> bool {
    path.iter().any(|frame| frame.id == id && frame.is_edge())
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
fn levels_told(path: &mut [Frame]) -> impl Iterator<Item = &mut Frame> {
    let levels = path.iter_mut().rev().filter(|frame| frame.is_level());
    up_to(levels, |frame| frame.kind != Kind::Branch)
}

/// The frames up to and including the first that `is_last`.
fn up_to<'a>(
    mut frames: impl Iterator<Item = &'a mut Frame>,
    is_last: impl Fn(&Frame) -> bool,
) -> impl Iterator<Item = &'a mut Frame> {
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let frame = frames.next()?;
        is_over = is_last(frame);
        Some(frame)
    })
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
        tell(&mut path, Origin::Scope(7), 9, Instant::ZERO);
        let silenced: Vec<bool> = path.iter().map(|frame| frame.silenced).collect();
        assert_eq!(silenced, [false, false, false, true]);
    }
}
