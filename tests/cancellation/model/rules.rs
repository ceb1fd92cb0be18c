//! The rules: what is due, what telling it changes.

use std::collections::{BTreeMap, BTreeSet};

use super::Break;
use crate::program::{Event, MS, Origin, Program, Stage, What};

/// Names one request. Two notes are two requests, whatever they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    Cancel,
    Note(u32),
    Expiry(usize),
    Stop(usize),
}

#[derive(Clone, Copy, Debug)]
pub struct Fail {
    pub origin: Origin,
    pub stage: Stage,
}

impl Fail {
    pub fn what(self) -> What {
        What::Cut(self.origin, self.stage)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Root,
    Branch,
    Limit,
    Level,
    Shield,
}

impl Kind {
    pub fn is_level(self) -> bool {
        self != Self::Shield
    }

    pub fn is_branch(self) -> bool {
        matches!(self, Self::Root | Self::Branch)
    }
}

#[derive(Debug)]
pub struct Frame {
    pub kind: Kind,
    /// Of a limit its end, of a shield when it lifts.
    pub deadline: Option<u64>,
    pub silenced: bool,
    /// It had passed when it was moved.
    has_passed: bool,
    told: BTreeSet<Request>,
}

/// What a task was asked from outside its scopes.
#[derive(Clone, Copy, Default)]
struct Asked {
    cancelled: bool,
    note: Option<(u32, Origin)>,
}

#[derive(Default)]
pub struct World {
    /// The time of the turn, and the time that it is.
    pub now: u64,
    pub clock: u64,
    stopped: bool,
    /// The requests to tasks, by the frames of their roots.
    tasks: BTreeMap<usize, Asked>,
    notes: u32,
    noted_from_outside: usize,
    moved_from_outside: bool,
    /// The movable limits that have begun, by the numbers of their steps.
    pub movable: BTreeMap<usize, usize>,
    pub frames: Vec<Frame>,
    pub parks_for_a_turn: bool,
    pub log: Vec<Event>,
    pub broken: Option<Break>,
}

impl World {
    pub fn new(broken: Option<Break>) -> Self {
        Self {
            broken,
            ..Self::default()
        }
    }

    pub fn is_broken(&self, rule: Break) -> bool {
        self.broken == Some(rule)
    }

    pub fn note_event(&mut self, step: usize, what: What) {
        self.log.push(Event {
            at: self.now,
            step,
            what,
        });
    }

    /// What has come from outside by now.
    pub fn admit(&mut self, program: &Program) {
        // The first frame is the root of the program's own task.
        if program.cancel.is_some_and(|at| at * MS <= self.now) {
            self.cancel(0);
        }
        self.stopped |= program.stop.is_some_and(|at| at * MS <= self.now);
        while let Some(at) = program.notes.get(self.noted_from_outside)
            && *at * MS <= self.now
        {
            self.noted_from_outside += 1;
            self.put(0, Origin::Note);
        }
        if let Some((at, which, ms)) = program.moved
            && at * MS <= self.now
            && !self.moved_from_outside
        {
            self.moved_from_outside = true;
            self.move_limit(program, which, ms);
        }
    }

    /// Moves a limit, if it has begun.
    pub fn move_limit(&mut self, program: &Program, which: usize, ms: Option<u64>) {
        let number = program.movable(which);
        let Some(&frame) = number.and_then(|number| self.movable.get(&number)) else {
            return;
        };
        if self.is_broken(Break::NoMoves) {
            return;
        }
        let has_passed = self.has_passed(frame) && !self.is_broken(Break::MovesRevive);
        self.frames[frame].has_passed = has_passed;
        self.frames[frame].deadline = ms.map(|ms| self.now + ms * MS);
        // Whoever is parked beside this hears of it at once.
        self.parks_for_a_turn |= self.has_passed(frame);
    }

    pub fn put(&mut self, root: usize, origin: Origin) {
        self.notes += 1;
        self.tasks.entry(root).or_default().note = Some((self.notes, origin));
    }

    /// Asks the task to stop.
    pub fn cancel(&mut self, root: usize) {
        self.tasks.entry(root).or_default().cancelled = true;
    }

    pub fn is_cancelled(&self, root: usize) -> bool {
        self.asked(root).cancelled
    }

    fn asked(&self, root: usize) -> Asked {
        self.tasks.get(&root).copied().unwrap_or_default()
    }

    /// A frame at its first poll.
    pub fn frame(&mut self, kind: Kind, span: Option<u64>, path: &[usize]) -> usize {
        let mut told = BTreeSet::new();
        let inherits = match kind {
            Kind::Limit => !self.is_broken(Break::NoInheritanceIntoLimits),
            Kind::Branch => !self.is_broken(Break::NoInheritanceIntoBranches),
            _ => true,
        };
        if inherits && let Some(level) = self.innermost(path, Kind::is_level) {
            told.extend(self.frames[level].told.iter().filter(|r| !r.is_own()));
        }
        if inherits && let Some(branch) = self.innermost(path, Kind::is_branch) {
            told.extend(self.frames[branch].told.iter().filter(|r| r.is_own()));
        }
        let deadline = span.map(|span| self.now + span * MS);
        self.frames.push(Frame {
            kind,
            deadline,
            silenced: false,
            has_passed: false,
            told,
        });
        self.frames.len() - 1
    }

    fn innermost(&self, path: &[usize], is: fn(Kind) -> bool) -> Option<usize> {
        path.iter()
            .rev()
            .copied()
            .find(|&frame| is(self.frames[frame].kind))
    }

    pub fn has_passed(&self, frame: usize) -> bool {
        let frame = &self.frames[frame];
        frame.has_passed || frame.deadline.is_some_and(|deadline| deadline <= self.now)
    }

    /// Whether it is a shield that has not lifted.
    pub fn masks(&self, frame: usize) -> bool {
        self.frames[frame].kind == Kind::Shield && !self.has_passed(frame)
    }

    /// Every request there is by now for code on `path`.
    pub fn existing(&self, path: &[usize]) -> BTreeSet<Request> {
        let asked = self.asked(path[0]);
        let limits = (0..self.frames.len()).filter(|&frame| self.frames[frame].kind == Kind::Limit);
        let mut all: BTreeSet<_> = limits
            .filter(|&frame| self.has_passed(frame))
            .map(Request::Expiry)
            .collect();
        all.extend(asked.cancelled.then_some(Request::Cancel));
        all.extend(asked.note.map(|(id, _)| Request::Note(id)));
        all
    }

    /// The strongest request that may be delivered on `path`.
    pub fn due(&self, path: &[usize], parked: Option<&BTreeSet<Request>>) -> Option<Request> {
        let from = match path.iter().rposition(|&frame| self.masks(frame)) {
            Some(_) if self.is_broken(Break::NoShield) => 0,
            Some(index) => index + 1,
            None => 0,
        };
        self.due_from(path, from, parked)
    }

    fn due_from(
        &self,
        path: &[usize],
        from: usize,
        parked: Option<&BTreeSet<Request>>,
    ) -> Option<Request> {
        let met = |request: Request, level: usize| {
            let parked = if self.is_broken(Break::NoParkedRule) {
                None
            } else {
                parked
            };
            !self.frames[level].told.contains(&request)
                || parked.is_some_and(|existed| !existed.contains(&request))
        };
        if from == 0 {
            let branch = self
                .innermost(path, Kind::is_branch)
                .expect("there is a root");
            let asked = self.asked(path[0]);
            if asked.cancelled && met(Request::Cancel, branch) {
                return Some(Request::Cancel);
            }
            if let Some((id, _)) = asked.note
                && met(Request::Note(id), branch)
            {
                return Some(Request::Note(id));
            }
        }
        let level = self
            .innermost(path, Kind::is_level)
            .expect("there is a root");
        let find = |&frame: &usize| match self.frames[frame].kind {
            Kind::Level if self.stopped => Some(Request::Stop(frame)),
            Kind::Limit if self.has_passed(frame) && !self.frames[frame].silenced => {
                Some(Request::Expiry(frame)).filter(|&request| met(request, level))
            }
            _ => None,
        };
        let mut inside = path[from..].iter();
        if self.is_broken(Break::InnerBlame) {
            return inside.rev().find_map(find);
        }
        inside.find_map(find)
    }

    /// Delivers `request` on `path`.
    pub fn tell(&mut self, path: &[usize], request: Request) -> Fail {
        let inside = match request {
            Request::Cancel => 0,
            Request::Note(_) => path.len(),
            Request::Expiry(origin) | Request::Stop(origin) => path
                .iter()
                .position(|&frame| frame == origin)
                .map_or(0, |place| place + 1),
        };
        if !self.is_broken(Break::NoSilence) {
            for &frame in &path[inside..] {
                self.frames[frame].silenced |= self.frames[frame].kind == Kind::Limit;
            }
        }
        let innermost_only =
            request == Request::Cancel && self.is_broken(Break::CancelToldInnermostOnly);
        for &frame in path.iter().rev() {
            let kind = self.frames[frame].kind;
            if request.is_own() {
                if kind.is_branch() {
                    self.frames[frame].told.insert(request);
                    if innermost_only {
                        break;
                    }
                }
            } else if kind.is_level() {
                self.frames[frame].told.insert(request);
                if kind != Kind::Branch || self.is_broken(Break::NotToldOutwards) {
                    break;
                }
            }
        }
        Fail {
            origin: self.origin(path[0], request),
            stage: Stage::Live,
        }
    }

    fn origin(&self, root: usize, request: Request) -> Origin {
        match request {
            Request::Cancel => Origin::Cancel,
            Request::Note(_) => self
                .asked(root)
                .note
                .map_or(Origin::Note, |(_, origin)| origin),
            Request::Expiry(frame) => Origin::Expiry(frame as u64),
            Request::Stop(frame) => Origin::Stop(frame as u64),
        }
    }

    /// `take_pending`.
    pub fn take(&mut self, path: &[usize]) -> Option<Origin> {
        let request = self.due_from(path, 0, None)?;
        let origin = self.origin(path[0], request);
        for &frame in path.iter().rev() {
            let kind = self.frames[frame].kind;
            if if request.is_own() {
                kind.is_branch()
            } else {
                kind.is_level()
            } {
                self.frames[frame].told.insert(request);
            }
            if request == Request::Expiry(frame) || request == Request::Stop(frame) {
                break;
            }
        }
        Some(origin)
    }

    /// `check_cancellation`.
    pub fn check(&mut self, path: &[usize]) -> Result<Option<Origin>, Fail> {
        if let Some(request) = self.due(path, None) {
            return Err(self.tell(path, request));
        }
        Ok(self
            .due_from(path, 0, None)
            .map(|request| self.origin(path[0], request)))
    }

    /// Tells a request that nothing inside the innermost frame heard.
    pub fn unheard(&mut self, path: &[usize], inside: Inside) -> Option<Fail> {
        let request = self.is_deaf_to(path, inside)?;
        Some(self.tell(path, request))
    }

    /// The request that nothing inside the innermost frame hears: its own, or that of an arm inside.
    pub fn is_deaf_to(&self, path: &[usize], inside: Inside) -> Option<Request> {
        if inside.heard || self.is_broken(Break::NoDeafRule) {
            return None;
        }
        // A note may have gone with its scope since the arm was polled.
        let is_there = |request: &Request| match request {
            Request::Note(id) => self
                .asked(path[0])
                .note
                .is_some_and(|(there, _)| there == *id),
            _ => true,
        };
        let of_arm = inside.deaf_to.filter(is_there);
        let of_arm = of_arm.filter(|_| !self.is_broken(Break::NoDeafArms));
        self.due(path, None).or(of_arm)
    }

    /// A note that carries this scope's request goes with it.
    pub fn end_scope(&mut self, root: usize, frame: usize) {
        let own = [Origin::Expiry(frame as u64), Origin::Stop(frame as u64)];
        let asked = self.tasks.entry(root).or_default();
        asked.note.take_if(|(_, origin)| own.contains(origin));
    }
}

impl Request {
    /// Whether it belongs to the task itself.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Cancel | Self::Note(_))
    }
}

/// What is inside a pending body.
#[derive(Clone, Copy, Default)]
pub struct Inside {
    /// A leaf that can hear is parked there.
    pub heard: bool,
    /// An arm with a branch of its own cannot hear this.
    pub deaf_to: Option<Request>,
}

impl Inside {
    pub const HEARS: Self = Self {
        heard: true,
        deaf_to: None,
    };
    pub const DEAF: Self = Self {
        heard: false,
        deaf_to: None,
    };

    pub fn and(self, other: Self) -> Self {
        Self {
            heard: self.heard || other.heard,
            deaf_to: self.deaf_to.or(other.deaf_to),
        }
    }
}
