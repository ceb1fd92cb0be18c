//! Programs as data: what the kernel and the model both run.

use std::ops::Range;

use proptest::prelude::*;

/// One step; `swallow` means that its error is ignored and the program goes on.
#[derive(Clone, Debug)]
pub enum Step {
    Sleep {
        ms: u64,
        swallow: bool,
    },
    Check {
        swallow: bool,
    },
    /// `take_pending`, whatever it is.
    Take,
    /// `take_pending`, and what was taken goes into the note slot.
    Put,
    /// Computes without giving way.
    Burn {
        ms: u64,
    },
    /// A future that hears nothing.
    Foreign {
        ms: u64,
    },
    /// Moves one of the program's movable limits, if it runs, to so long from now.
    Move {
        which: usize,
        ms: Option<u64>,
    },
    Limit {
        movable: bool,
        ms: Option<u64>,
        ignore: bool,
        body: Vec<Step>,
        swallow: bool,
    },
    Shield {
        lifts: Option<u64>,
        body: Vec<Step>,
        swallow: bool,
    },
    Cancellable {
        body: Vec<Step>,
        swallow: bool,
    },
    /// `CancelScope::run`, all of a program with one scope.
    Level {
        body: Vec<Step>,
        swallow: bool,
    },
    /// Members that are tasks of their own, and what their owner does before it waits for them.
    Group {
        /// Waits until none runs or one has failed; else not at all.
        all: bool,
        members: Vec<Vec<Step>>,
        body: Vec<Step>,
        swallow: bool,
    },
    /// Both to their ends; the first error of the two counts.
    Join {
        kind: Kind,
        arms: [Vec<Step>; 2],
        swallow: bool,
    },
}

/// How the arms of a join are polled, and whether each has a branch of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With the task's waker, as other crates do it.
    Foreign,
    /// With the task's waker, in branches.
    Facade,
    /// With wakers of their own.
    ForeignWoken,
    /// With wakers of their own, in branches.
    FacadeWoken,
}

impl Kind {
    pub fn has_branches(self) -> bool {
        matches!(self, Self::Facade | Self::FacadeWoken)
    }
}

/// Steps, and the instants of what comes from outside.
#[derive(Clone, Debug)]
pub struct Program {
    pub steps: Vec<Step>,
    pub cancel: Option<u64>,
    pub notes: Vec<u64>,
    pub stop: Option<u64>,
    /// When, which movable limit, and to so long from then.
    pub moved: Option<(u64, usize, Option<u64>)>,
}

impl Program {
    /// The number of the step that is movable limit `which`, counted round and round.
    pub fn movable(&self, which: usize) -> Option<usize> {
        let mut found = Vec::new();
        movables(&self.steps, 0, &mut found);
        let place = which.checked_rem(found.len())?;
        Some(found[place])
    }

    /// The members of groups, as the numbers of their steps: each has the instants of its timers to itself.
    pub fn members(&self) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        members(&self.steps, 0, &mut found);
        found
    }

    /// Sorts what happened at one instant by the tasks it happened in, which may do so in any order.
    pub fn by_task(&self, mut log: Vec<Event>) -> Vec<Event> {
        let members = self.members();
        let task = |step| members.iter().position(|steps| steps.contains(&step));
        log.sort_by_key(|event| (event.at, task(event.step)));
        canonical(log)
    }
}

fn members(steps: &[Step], mut number: usize, found: &mut Vec<Range<usize>>) {
    for step in steps {
        match step {
            Step::Group {
                members: all, body, ..
            } => {
                let mut first = number + 1;
                for steps in all {
                    found.push(first..first + size(steps));
                    first += size(steps);
                }
                members(body, first, found);
            }
            Step::Limit { body, .. }
            | Step::Shield { body, .. }
            | Step::Cancellable { body, .. }
            | Step::Level { body, .. } => members(body, number + 1, found),
            Step::Join { arms: [a, b], .. } => {
                members(a, number + 1, found);
                members(b, number + 1 + size(a), found);
            }
            _ => {}
        }
        number += size(std::slice::from_ref(step));
    }
}

/// How long a member of this place among all waits before it begins, in nanoseconds: sums of such are
/// different for different members, so that no two tasks have anything to do at one instant by themselves.
pub fn ahead(place: usize) -> u64 {
    1 << (place % MEMBERS_MAX)
}

const MEMBERS_MAX: usize = 19;

/// Nanoseconds in a millisecond.
pub const MS: u64 = 1_000_000;

fn movables(steps: &[Step], mut number: usize, found: &mut Vec<usize>) {
    for step in steps {
        match step {
            Step::Limit { movable, body, .. } => {
                found.extend(movable.then_some(number));
                movables(body, number + 1, found);
            }
            Step::Shield { body, .. }
            | Step::Cancellable { body, .. }
            | Step::Level { body, .. } => movables(body, number + 1, found),
            Step::Join { arms: [a, b], .. } => {
                movables(a, number + 1, found);
                movables(b, number + 1 + size(a), found);
            }
            _ => {}
        }
        number += size(std::slice::from_ref(step));
    }
}

/// What happened: when, in which step, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub at: u64,
    pub step: usize,
    pub what: What,
}

/// Where a request came from; scopes are numbered in the order in which the log names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Cancel,
    Note,
    Expiry(u64),
    Stop(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Live,
    TimedOut,
    Uncaught,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Ok,
    Cut(Origin, Stage),
    /// The scope claimed its own request.
    Claimed,
    /// Something was due and hidden, or was taken.
    Saw(Origin),
    SawNothing,
    /// The task was dropped deaf.
    Dropped(Origin),
}

/// Numbers the scopes in the order in which the log names them.
pub fn canonical(mut log: Vec<Event>) -> Vec<Event> {
    let mut seen = Vec::new();
    let mut number = |id: &mut u64| {
        let place = seen
            .iter()
            .position(|known| known == id)
            .unwrap_or_else(|| {
                seen.push(*id);
                seen.len() - 1
            });
        *id = place as u64;
    };
    for event in &mut log {
        if let What::Cut(origin, _) | What::Saw(origin) | What::Dropped(origin) = &mut event.what
            && let Origin::Expiry(id) | Origin::Stop(id) = origin
        {
            number(id);
        }
    }
    log
}

/// How many numbers steps take, those inside them included.
pub fn size(steps: &[Step]) -> usize {
    let inside = |step: &Step| match step {
        Step::Limit { body, .. }
        | Step::Shield { body, .. }
        | Step::Cancellable { body, .. }
        | Step::Level { body, .. } => size(body),
        Step::Group { members, body, .. } => {
            members.iter().map(|steps| size(steps)).sum::<usize>() + size(body)
        }
        Step::Join { arms: [a, b], .. } => size(a) + size(b),
        _ => 0,
    };
    steps.iter().map(|step| 1 + inside(step)).sum()
}

/// What may be in a program.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    pub joins: bool,
    /// Arms with wakers of their own. What cannot hear is polled in another order there, so it is one
    /// or the other.
    pub woken: bool,
    pub foreign: bool,
    /// Requests from outside; without them programs may burn time.
    pub requests: bool,
    pub lifting: bool,
    pub levels: bool,
    pub by_hand: bool,
    /// Limits that are moved.
    pub moves: bool,
    /// Groups. What several tasks would do at one instant is left out with them: levels and moves, and joins
    /// beside a group, which would tell in which turn of an instant its members end.
    pub groups: bool,
}

impl Features {
    pub const ALL: Self = Self {
        joins: true,
        woken: false,
        foreign: true,
        requests: true,
        lifting: true,
        levels: true,
        by_hand: true,
        moves: true,
        groups: false,
    };
}

fn tens(most: u64) -> impl Strategy<Value = u64> + Clone + use<> {
    (0..=most).prop_map(|tens| tens * 10)
}

/// `Some` with this probability, which may be zero.
fn sometimes(
    probability: f64,
    value: impl Strategy<Value = u64> + 'static,
) -> BoxedStrategy<Option<u64>> {
    if probability == 0.0 {
        return Just(None).boxed();
    }
    prop::option::weighted(probability, value).boxed()
}

fn steps(features: Features) -> BoxedStrategy<Vec<Step>> {
    let inside = Features {
        groups: false,
        joins: true,
        ..features
    };
    let member = if features.groups {
        steps(inside)
    } else {
        Just(Vec::new()).boxed()
    };
    let leaf = leaf(features);
    let step = leaf.prop_recursive(4, 24, 4, move |step| {
        let body = prop::collection::vec(step.clone(), 1..4);
        let swallow = prop::bool::weighted(0.6);
        let limit = (
            prop::bool::weighted(if features.moves { 0.5 } else { 0.0 }),
            sometimes(0.9, tens(8)),
            any::<bool>(),
            body.clone(),
            swallow,
        )
            .prop_map(|(movable, ms, ignore, body, swallow)| Step::Limit {
                movable,
                ms,
                ignore,
                body,
                swallow,
            });
        let lifts = sometimes(if features.lifting { 0.3 } else { 0.0 }, tens(6));
        let shield =
            (lifts, body.clone(), swallow).prop_map(|(lifts, body, swallow)| Step::Shield {
                lifts,
                body,
                swallow,
            });
        let cancellable =
            (body.clone(), swallow).prop_map(|(body, swallow)| Step::Cancellable { body, swallow });
        let level =
            (body.clone(), swallow).prop_map(|(body, swallow)| Step::Level { body, swallow });
        let woken = u32::from(features.woken);
        let kind = prop_oneof![
            1 => Just(Kind::Foreign),
            1 => Just(Kind::Facade),
            woken => Just(Kind::ForeignWoken),
            woken => Just(Kind::FacadeWoken),
        ];
        let join = (kind, body.clone(), body.clone(), swallow).prop_map(|(kind, a, b, swallow)| {
            let arms = [a, b];
            Step::Join {
                kind,
                arms,
                swallow,
            }
        });
        let members = prop::collection::vec(member.clone(), 1..4);
        let body_of_owner = prop_oneof![1 => Just(Vec::new()), 2 => body.clone()];
        let group = (prop::bool::weighted(0.8), members, body_of_owner, swallow).prop_map(
            |(all, members, body, swallow)| Step::Group {
                all,
                members,
                body,
                swallow,
            },
        );
        prop_oneof![
            5 => limit,
            2 => shield,
            u32::from(features.foreign) => cancellable,
            u32::from(features.levels) => level,
            4 * u32::from(features.joins) => join,
            // Last, since shrinking goes to what stands before, whatever its weight.
            6 * u32::from(features.groups) => group,
        ]
    });
    prop::collection::vec(step, 1..5).boxed()
}

fn leaf(features: Features) -> BoxedStrategy<Step> {
    let swallow = prop::bool::weighted(0.6);
    let sleep = (tens(6), swallow).prop_map(|(ms, swallow)| Step::Sleep { ms, swallow });
    let check = swallow.prop_map(|swallow| Step::Check { swallow });
    let by_hand = u32::from(features.by_hand);
    let moves = (0..6_usize, prop::option::weighted(0.9, tens(8)))
        .prop_map(|(which, ms)| Step::Move { which, ms });
    prop_oneof![
        12 => sleep,
        3 * u32::from(features.moves) => moves,
        by_hand => check,
        by_hand => Just(Step::Take),
        by_hand => Just(Step::Put),
        2 * u32::from(!features.requests) => tens(4).prop_map(|ms| Step::Burn { ms }),
        2 * u32::from(features.foreign) => tens(5).prop_map(|ms| Step::Foreign { ms }),
    ]
    .boxed()
}

/// Programs. Deadlines and ends fall on tens and tie often, requests from outside never do.
pub fn programs(features: Features) -> impl Strategy<Value = Program> {
    let asked = if features.requests { 0.7 } else { 0.0 };
    let cancel = sometimes(asked, tens(14).prop_map(|at| at + 3));
    let note = sometimes(asked * 0.6, tens(14).prop_map(|at| at + 7));
    let again = sometimes(asked * 0.3, tens(14).prop_map(|at| at + 1));
    let stopped = if features.levels { asked } else { 0.0 };
    let stop = sometimes(stopped, tens(14).prop_map(|at| at + 9));
    let to = (0..6_usize, prop::option::weighted(0.9, tens(8)));
    let moved = sometimes(
        if features.moves { asked } else { 0.0 },
        tens(14).prop_map(|at| at + 5),
    );
    let requests = (cancel, note, again, stop, moved, to);
    (steps(features), requests).prop_map(|(steps, (cancel, note, again, stop, moved, to))| {
        let mut notes: Vec<u64> = note.into_iter().chain(again).collect();
        notes.sort_unstable();
        Program {
            steps,
            cancel,
            notes,
            stop,
            moved: moved.map(|at| (at, to.0, to.1)),
        }
    })
}
