//! The model: the rules of cancellation once more, from the text and without the kernel.
//!
//! It knows no wake-ups and no stamps. At every instant at which something may happen the whole program
//! is polled in order; levels hold the *sets* of requests that they were told, and a parked leaf the set
//! of requests that existed when it parked. It can be broken on purpose, rule by rule, to see that
//! programs tell.

use std::collections::BTreeSet;

use super::program::{Event, Origin, Program, Stage, Step, What, canonical, size};

/// A rule left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// R5: requests passing through inner limits do not switch them off.
    NoSilence,
    /// New limits do not take over what the level around them was told.
    NoInheritanceIntoLimits,
    /// New branches do not.
    NoInheritanceIntoBranches,
    /// R4: the inner of two expired limits is blamed.
    InnerBlame,
    /// R6: being parked when a request comes means nothing.
    NoParkedRule,
    /// An expiry told in a branch is not told to the level around it.
    NotToldOutwards,
    /// A cancel is told to the innermost branch only.
    CancelToldInnermostOnly,
    /// R11: nothing is dropped.
    NoDeafRule,
    /// R11: an arm that hears nothing does not matter once the level was told.
    NoDeafArms,
    /// R9: `shield` hides nothing.
    NoShield,
    /// Section 2: a limit's end is what its body returns.
    NoClaim,
    /// R10: what nobody caught stays *timed out*.
    NoUncaught,
}

impl Break {
    pub const ALL: [Self; 12] = [
        Self::NoSilence,
        Self::NoInheritanceIntoLimits,
        Self::NoInheritanceIntoBranches,
        Self::InnerBlame,
        Self::NoParkedRule,
        Self::NotToldOutwards,
        Self::CancelToldInnermostOnly,
        Self::NoDeafRule,
        Self::NoDeafArms,
        Self::NoShield,
        Self::NoClaim,
        Self::NoUncaught,
    ];
}

/// Runs the program by the rules, all but the broken one.
pub fn run(program: &Program, broken: Option<Break>) -> Vec<Event> {
    let mut world = World {
        broken,
        ..World::default()
    };
    let root = world.frame(Kind::Root, None, &[]);
    let mut path = vec![root];
    let mut body = Seq::new(&program.steps, 0);
    loop {
        world.admit(program);
        world.parks_for_a_turn = false;
        match body.poll(&mut world, &mut path) {
            Polled::Done(result) => {
                let what = result.err().map_or(What::Ok, Fail::what);
                world.note_event(size(&program.steps), what);
                break;
            }
            Polled::Pending(inside) => {
                if let Some(told) = world.unheard(&path, inside) {
                    world.note_event(size(&program.steps), What::Dropped(told.origin));
                    break;
                }
            }
        }
        if !world.parks_for_a_turn {
            let next = world
                .next_instant(&body, program)
                .expect("something is still to come");
            world.clock = world.clock.max(next);
        }
        world.now = world.now.max(world.clock);
    }
    canonical(world.log)
}

/// Names one request. Two notes are two requests, whatever they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Request {
    Cancel,
    Note(u32),
    Expiry(usize),
    Stop(usize),
}

#[derive(Clone, Copy, Debug)]
struct Fail {
    origin: Origin,
    stage: Stage,
}

impl Fail {
    fn what(self) -> What {
        What::Cut(self.origin, self.stage)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Root,
    Branch,
    Limit,
    Level,
    Shield,
}

impl Kind {
    fn is_level(self) -> bool {
        self != Self::Shield
    }

    fn is_branch(self) -> bool {
        matches!(self, Self::Root | Self::Branch)
    }
}

#[derive(Debug)]
struct Frame {
    kind: Kind,
    /// Of a limit its end, of a shield when it lifts.
    deadline: Option<u64>,
    silenced: bool,
    told: BTreeSet<Request>,
}

#[derive(Default)]
struct World {
    /// The time of the turn, and the time that it is.
    now: u64,
    clock: u64,
    cancelled: bool,
    stopped: bool,
    note: Option<(u32, Origin)>,
    notes: u32,
    noted_from_outside: usize,
    frames: Vec<Frame>,
    parks_for_a_turn: bool,
    log: Vec<Event>,
    broken: Option<Break>,
}

impl World {
    fn is_broken(&self, rule: Break) -> bool {
        self.broken == Some(rule)
    }

    fn note_event(&mut self, step: usize, what: What) {
        self.log.push(Event {
            at: self.now,
            step,
            what,
        });
    }

    /// What has come from outside by now.
    fn admit(&mut self, program: &Program) {
        self.cancelled |= program.cancel.is_some_and(|at| at <= self.now);
        self.stopped |= program.stop.is_some_and(|at| at <= self.now);
        while let Some(at) = program.notes.get(self.noted_from_outside)
            && *at <= self.now
        {
            self.noted_from_outside += 1;
            self.put(Origin::Note);
        }
    }

    fn put(&mut self, origin: Origin) {
        self.notes += 1;
        self.note = Some((self.notes, origin));
    }

    /// A frame at its first poll.
    fn frame(&mut self, kind: Kind, span: Option<u64>, path: &[usize]) -> usize {
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
        let deadline = span.map(|span| self.now + span);
        self.frames.push(Frame {
            kind,
            deadline,
            silenced: false,
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

    fn has_passed(&self, frame: usize) -> bool {
        self.frames[frame]
            .deadline
            .is_some_and(|deadline| deadline <= self.now)
    }

    /// Whether it is a shield that has not lifted.
    fn masks(&self, frame: usize) -> bool {
        self.frames[frame].kind == Kind::Shield && !self.has_passed(frame)
    }

    /// Every request there is by now.
    fn existing(&self) -> BTreeSet<Request> {
        let limits = (0..self.frames.len()).filter(|&frame| self.frames[frame].kind == Kind::Limit);
        let mut all: BTreeSet<_> = limits
            .filter(|&frame| self.has_passed(frame))
            .map(Request::Expiry)
            .collect();
        all.extend(self.cancelled.then_some(Request::Cancel));
        all.extend(self.note.map(|(id, _)| Request::Note(id)));
        all
    }

    /// The strongest request that may be delivered on `path`.
    fn due(&self, path: &[usize], parked: Option<&BTreeSet<Request>>) -> Option<Request> {
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
            if self.cancelled && met(Request::Cancel, branch) {
                return Some(Request::Cancel);
            }
            if let Some((id, _)) = self.note
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
    fn tell(&mut self, path: &[usize], request: Request) -> Fail {
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
            origin: self.origin(request),
            stage: Stage::Live,
        }
    }

    fn origin(&self, request: Request) -> Origin {
        match request {
            Request::Cancel => Origin::Cancel,
            Request::Note(_) => self.note.map_or(Origin::Note, |(_, origin)| origin),
            Request::Expiry(frame) => Origin::Expiry(frame as u64),
            Request::Stop(frame) => Origin::Stop(frame as u64),
        }
    }

    /// `take_pending`.
    fn take(&mut self, path: &[usize]) -> Option<Origin> {
        let request = self.due_from(path, 0, None)?;
        let origin = self.origin(request);
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
    fn check(&mut self, path: &[usize]) -> Result<Option<Origin>, Fail> {
        if let Some(request) = self.due(path, None) {
            return Err(self.tell(path, request));
        }
        Ok(self
            .due_from(path, 0, None)
            .map(|request| self.origin(request)))
    }

    /// Tells a request that nothing inside the innermost frame heard.
    fn unheard(&mut self, path: &[usize], inside: Inside) -> Option<Fail> {
        let request = self.is_deaf_to(path, inside)?;
        Some(self.tell(path, request))
    }

    /// The request that nothing inside the innermost frame hears: its own, or that of an arm inside.
    fn is_deaf_to(&self, path: &[usize], inside: Inside) -> Option<Request> {
        if inside.heard || self.is_broken(Break::NoDeafRule) {
            return None;
        }
        let of_arm = inside
            .deaf_to
            .filter(|_| !self.is_broken(Break::NoDeafArms));
        self.due(path, None).or(of_arm)
    }

    /// A note that carries this scope's request goes with it.
    fn end_scope(&mut self, frame: usize) {
        let own = [Origin::Expiry(frame as u64), Origin::Stop(frame as u64)];
        self.note.take_if(|(_, origin)| own.contains(origin));
    }

    fn next_instant(&self, body: &Seq<'_>, program: &Program) -> Option<u64> {
        let mut all = Vec::new();
        body.instants(self, &mut all);
        all.extend(program.cancel);
        all.extend(program.stop);
        all.extend(&program.notes);
        all.into_iter().filter(|&at| at > self.now).min()
    }
}

impl Request {
    /// Whether it belongs to the task itself.
    fn is_own(&self) -> bool {
        matches!(self, Self::Cancel | Self::Note(_))
    }
}

enum Polled {
    Pending(Inside),
    Done(Result<(), Fail>),
}

/// What is inside a pending body.
#[derive(Clone, Copy, Default)]
struct Inside {
    /// A leaf that can hear is parked there.
    heard: bool,
    /// An arm with a branch of its own cannot hear this.
    deaf_to: Option<Request>,
}

impl Inside {
    const HEARS: Self = Self {
        heard: true,
        deaf_to: None,
    };
    const DEAF: Self = Self {
        heard: false,
        deaf_to: None,
    };

    fn and(self, other: Self) -> Self {
        Self {
            heard: self.heard || other.heard,
            deaf_to: self.deaf_to.or(other.deaf_to),
        }
    }
}

/// Steps under way.
struct Seq<'p> {
    steps: &'p [Step],
    next: usize,
    number: usize,
    active: Option<Active<'p>>,
}

enum Active<'p> {
    Sleep {
        end: u64,
        for_a_turn: bool,
        existed: Option<BTreeSet<Request>>,
    },
    Foreign {
        end: u64,
    },
    Scope {
        frame: usize,
        body: Box<Seq<'p>>,
    },
    Join {
        arms: Vec<Arm<'p>>,
    },
}

struct Arm<'p> {
    facade: bool,
    frame: Option<usize>,
    body: Box<Seq<'p>>,
    result: Option<Result<(), Fail>>,
}

impl<'p> Seq<'p> {
    fn new(steps: &'p [Step], number: usize) -> Self {
        Self {
            steps,
            next: 0,
            number,
            active: None,
        }
    }

    fn poll(&mut self, world: &mut World, path: &mut Vec<usize>) -> Polled {
        while let Some(step) = self.steps.get(self.next) {
            let (result, swallow) = match self.instantly(step, world, path) {
                Some(done) => done,
                None => {
                    let number = self.number;
                    let active = self
                        .active
                        .get_or_insert_with(|| Active::begin(step, number, world, path));
                    match active.poll(step, number, world, path) {
                        Polled::Done(result) => (result, step.swallows()),
                        pending @ Polled::Pending(_) => return pending,
                    }
                }
            };
            self.active = None;
            self.number += size(std::slice::from_ref(step));
            self.next += 1;
            if let Err(fail) = result
                && !swallow
            {
                self.next = self.steps.len();
                return Polled::Done(Err(fail));
            }
        }
        Polled::Done(Ok(()))
    }

    /// Does a step that never waits.
    fn instantly(
        &self,
        step: &Step,
        world: &mut World,
        path: &[usize],
    ) -> Option<(Result<(), Fail>, bool)> {
        let saw = |seen: Option<Origin>| seen.map_or(What::SawNothing, What::Saw);
        match *step {
            Step::Burn { ms } => world.clock += ms,
            Step::Check { swallow } => match world.check(path) {
                Ok(seen) => world.note_event(self.number, saw(seen)),
                Err(fail) => {
                    world.note_event(self.number, fail.what());
                    return Some((Err(fail), swallow));
                }
            },
            Step::Take | Step::Put => {
                let seen = world.take(path);
                world.note_event(self.number, saw(seen));
                if let (Step::Put, Some(origin)) = (step, seen) {
                    world.put(origin);
                    // Whoever is parked beside this hears of it at once.
                    world.parks_for_a_turn = true;
                }
            }
            _ => return None,
        }
        Some((Ok(()), false))
    }

    fn instants(&self, world: &World, all: &mut Vec<u64>) {
        match &self.active {
            None => {}
            Some(Active::Sleep { end, .. } | Active::Foreign { end }) => all.push(*end),
            Some(Active::Scope { frame, body }) => {
                all.extend(world.frames[*frame].deadline);
                body.instants(world, all);
            }
            Some(Active::Join { arms }) => {
                arms.iter().for_each(|arm| arm.body.instants(world, all));
            }
        }
    }
}

impl Step {
    fn swallows(&self) -> bool {
        match self {
            Self::Sleep { swallow, .. }
            | Self::Check { swallow }
            | Self::Limit { swallow, .. }
            | Self::Shield { swallow, .. }
            | Self::Cancellable { swallow, .. }
            | Self::Level { swallow, .. }
            | Self::Join { swallow, .. } => *swallow,
            Self::Take | Self::Put | Self::Burn { .. } | Self::Foreign { .. } => false,
        }
    }
}

impl<'p> Active<'p> {
    fn begin(step: &'p Step, number: usize, world: &mut World, path: &[usize]) -> Self {
        let mut scope = |kind, span, body: &'p [Step]| {
            let frame = world.frame(kind, span, path);
            Self::Scope {
                frame,
                body: Box::new(Seq::new(body, number + 1)),
            }
        };
        match step {
            Step::Sleep { ms, .. } => Self::Sleep {
                end: world.now + ms,
                for_a_turn: *ms == 0,
                existed: None,
            },
            Step::Foreign { ms } => Self::Foreign {
                end: world.now + ms,
            },
            Step::Limit { ms, body, .. } => scope(Kind::Limit, *ms, body),
            Step::Shield { lifts, body, .. } => scope(Kind::Shield, *lifts, body),
            Step::Cancellable { body, .. } => scope(Kind::Branch, None, body),
            Step::Level { body, .. } => scope(Kind::Level, None, body),
            Step::Join {
                facade,
                arms: [a, b],
                ..
            } => {
                let arm = |steps, number| Arm {
                    facade: *facade,
                    frame: None,
                    body: Box::new(Seq::new(steps, number)),
                    result: None,
                };
                let arms = vec![arm(a, number + 1), arm(b, number + 1 + size(a))];
                Self::Join { arms }
            }
            Step::Check { .. } | Step::Take | Step::Put | Step::Burn { .. } => {
                unreachable!("done on the spot")
            }
        }
    }

    fn poll(
        &mut self,
        step: &Step,
        number: usize,
        world: &mut World,
        path: &mut Vec<usize>,
    ) -> Polled {
        let result = match self {
            Self::Sleep {
                end,
                for_a_turn,
                existed,
            } => {
                if existed.is_some() && *end <= world.now {
                    Ok(())
                } else if let Some(request) = world.due(path, existed.as_ref()) {
                    Err(world.tell(path, request))
                } else {
                    if existed.is_none() {
                        *existed = Some(world.existing());
                        world.parks_for_a_turn |= *for_a_turn;
                    }
                    return Polled::Pending(Inside::HEARS);
                }
            }
            Self::Foreign { end } => {
                if *end > world.now {
                    return Polled::Pending(Inside::DEAF);
                }
                Ok(())
            }
            Self::Scope { frame, body } => {
                let frame = *frame;
                path.push(frame);
                let polled = body.poll(world, path);
                let dropped = match (&polled, world.frames[frame].kind) {
                    (Polled::Pending(inside), Kind::Limit | Kind::Level | Kind::Branch) => {
                        world.unheard(path, *inside)
                    }
                    _ => None,
                };
                path.pop();
                let result = match (dropped, polled) {
                    (Some(told), _) => Err(told),
                    (None, Polled::Done(result)) => result,
                    // What waits behind a shield is left alone.
                    (None, Polled::Pending(_)) if world.masks(frame) => {
                        return Polled::Pending(Inside::HEARS);
                    }
                    (None, pending) => return pending,
                };
                match end(step, frame, world, result) {
                    Ended::As(result) => result,
                    Ended::Claimed => {
                        world.note_event(number, What::Claimed);
                        return Polled::Done(Ok(()));
                    }
                }
            }
            Self::Join { arms } => {
                let mut inside = Inside::DEAF;
                for arm in arms.iter_mut() {
                    inside = inside.and(arm.poll(world, path));
                }
                let results: Vec<_> = arms.iter().filter_map(|arm| arm.result).collect();
                if results.len() < arms.len() {
                    return Polled::Pending(inside);
                }
                results.into_iter().collect()
            }
        };
        let what = result.err().map_or(What::Ok, Fail::what);
        world.note_event(number, what);
        Polled::Done(result)
    }
}

impl Arm<'_> {
    /// Polls it unless it has ended.
    fn poll(&mut self, world: &mut World, path: &mut Vec<usize>) -> Inside {
        if self.result.is_some() {
            return Inside::DEAF;
        }
        if self.facade {
            let frame = *self
                .frame
                .get_or_insert_with(|| world.frame(Kind::Branch, None, path));
            path.push(frame);
        }
        let mut inside = Inside::DEAF;
        match self.body.poll(world, path) {
            Polled::Done(result) => self.result = Some(result),
            Polled::Pending(found) => inside = found,
        }
        if self.facade {
            if self.result.is_none() {
                inside.deaf_to = world.is_deaf_to(path, inside).or(inside.deaf_to);
            }
            path.pop();
        }
        inside
    }
}

enum Ended {
    As(Result<(), Fail>),
    Claimed,
}

/// What becomes of a scope's result.
fn end(step: &Step, frame: usize, world: &mut World, result: Result<(), Fail>) -> Ended {
    if matches!(step, Step::Limit { .. } | Step::Level { .. }) {
        world.end_scope(frame);
    }
    let Err(mut fail) = result else {
        return Ended::As(Ok(()));
    };
    match step {
        Step::Limit { ignore, .. } => {
            let own = Origin::Expiry(frame as u64);
            if fail.stage == Stage::Live && fail.origin == own && !world.is_broken(Break::NoClaim) {
                if *ignore {
                    return Ended::Claimed;
                }
                fail.stage = Stage::TimedOut;
            } else if fail.stage == Stage::TimedOut && !world.is_broken(Break::NoUncaught) {
                fail.stage = Stage::Uncaught;
            }
        }
        Step::Level { .. } => {
            if fail.stage == Stage::Live && fail.origin == Origin::Stop(frame as u64) {
                return Ended::Claimed;
            }
        }
        _ => {}
    }
    Ended::As(Err(fail))
}
