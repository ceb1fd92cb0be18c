//! The steps: how a program goes on, polled in order at every instant.

use std::collections::BTreeSet;

use super::Break;
use super::group::Group;
use super::rules::{Fail, Inside, Kind, Request, World};
use crate::program::{MS, Origin, Program, Stage, Step, What, size};

pub enum Polled {
    Pending(Inside),
    Done(Result<(), Fail>),
}

/// Steps under way.
pub struct Seq<'p> {
    program: &'p Program,
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
    Group(Box<Group<'p>>),
}

struct Arm<'p> {
    facade: bool,
    frame: Option<usize>,
    body: Box<Seq<'p>>,
    result: Option<Result<(), Fail>>,
}

impl<'p> Seq<'p> {
    pub fn new(program: &'p Program, steps: &'p [Step], number: usize) -> Self {
        Self {
            program,
            steps,
            next: 0,
            number,
            active: None,
        }
    }

    pub fn poll(&mut self, world: &mut World, path: &mut Vec<usize>) -> Polled {
        while let Some(step) = self.steps.get(self.next) {
            let (result, swallow) = match self.instantly(step, world, path) {
                Some(done) => done,
                None => {
                    let (program, number) = (self.program, self.number);
                    let active = self
                        .active
                        .get_or_insert_with(|| Active::begin(program, step, number, world, path));
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
            Step::Burn { ms } => world.clock += ms * MS,
            Step::Move { which, ms } => world.move_limit(self.program, which, ms),
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
                    world.put(path[0], origin);
                    // Whoever is parked beside this hears of it at once.
                    world.parks_for_a_turn = true;
                }
            }
            _ => return None,
        }
        Some((Ok(()), false))
    }

    pub fn instants(&self, world: &World, all: &mut Vec<u64>) {
        match &self.active {
            None => {}
            Some(Active::Sleep { end, .. } | Active::Foreign { end }) => all.push(*end),
            Some(Active::Scope { frame, body }) => {
                all.extend(world.frames[*frame].deadline);
                body.instants(world, all);
            }
            Some(Active::Group(group)) => group.instants(world, all),
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
            | Self::Group { swallow, .. }
            | Self::Join { swallow, .. } => *swallow,
            Self::Take
            | Self::Put
            | Self::Burn { .. }
            | Self::Move { .. }
            | Self::Foreign { .. } => false,
        }
    }
}

impl<'p> Active<'p> {
    fn begin(
        program: &'p Program,
        step: &'p Step,
        number: usize,
        world: &mut World,
        path: &[usize],
    ) -> Self {
        let mut scope = |kind, span, body: &'p [Step]| {
            let frame = world.frame(kind, span, path);
            if let Step::Limit { movable: true, .. } = step {
                world.movable.insert(number, frame);
            }
            Self::Scope {
                frame,
                body: Box::new(Seq::new(program, body, number + 1)),
            }
        };
        match step {
            Step::Sleep { ms, .. } => Self::Sleep {
                end: world.now + ms * MS,
                for_a_turn: *ms == 0,
                existed: None,
            },
            Step::Foreign { ms } => Self::Foreign {
                end: world.now + ms * MS,
            },
            Step::Limit { ms, body, .. } => scope(Kind::Limit, *ms, body),
            Step::Shield { lifts, body, .. } => scope(Kind::Shield, *lifts, body),
            Step::Cancellable { body, .. } => scope(Kind::Branch, None, body),
            Step::Level { body, .. } => scope(Kind::Level, None, body),
            Step::Group {
                all, members, body, ..
            } => Self::Group(Box::new(Group::begin(
                program, *all, members, body, number, world,
            ))),
            Step::Join {
                kind, arms: [a, b], ..
            } => {
                let arm = |steps, number| Arm {
                    facade: kind.has_branches(),
                    frame: None,
                    body: Box::new(Seq::new(program, steps, number)),
                    result: None,
                };
                let arms = vec![arm(a, number + 1), arm(b, number + 1 + size(a))];
                Self::Join { arms }
            }
            Step::Check { .. } | Step::Take | Step::Put | Step::Burn { .. } | Step::Move { .. } => {
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
                        *existed = Some(world.existing(path));
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
                match end(step, path[0], frame, world, result) {
                    Ended::As(result) => result,
                    Ended::Claimed => {
                        world.note_event(number, What::Claimed);
                        return Polled::Done(Ok(()));
                    }
                }
            }
            Self::Group(group) => match group.poll(world, path) {
                Polled::Done(result) => result,
                pending @ Polled::Pending(_) => return pending,
            },
            Self::Join { arms } => {
                let mut inside = Inside::DEAF;
                // They begin together: what the first is told, the second is told, too.
                for arm in arms.iter_mut().filter(|arm| arm.facade) {
                    arm.frame
                        .get_or_insert_with(|| world.frame(Kind::Branch, None, path));
                }
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
fn end(
    step: &Step,
    root: usize,
    frame: usize,
    world: &mut World,
    result: Result<(), Fail>,
) -> Ended {
    if matches!(step, Step::Limit { .. } | Step::Level { .. }) {
        world.end_scope(root, frame);
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
        Step::Level { .. }
            if fail.stage == Stage::Live && fail.origin == Origin::Stop(frame as u64) =>
        {
            return Ended::Claimed;
        }
        _ => {}
    }
    Ended::As(Err(fail))
}
