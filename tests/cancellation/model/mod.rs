//! The model: the rules of cancellation once more, from the text and without the kernel.
//!
//! It knows no wake-ups and no stamps. At every instant at which something may happen the whole program
//! is polled in order; levels hold the *sets* of requests that they were told, and a parked leaf the set
//! of requests that existed when it parked. It can be broken on purpose, rule by rule, to see that
//! programs tell.

mod group;
mod rules;
mod steps;

use super::program::{Event, MS, Program, What, size};
use rules::{Fail, Kind, World};
use steps::{Polled, Seq};

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
    /// Deadlines stay where they are.
    NoMoves,
    /// A limit that has expired when it is moved starts again.
    MovesRevive,
    /// R10: what nobody caught stays *timed out*.
    NoUncaught,
    /// Groups: a member's failure does not end the wait.
    FailuresAreWaitedOut,
    /// Groups: the owner hears nothing while it waits.
    OwnersAreDeaf,
    /// Groups: members go on at the end.
    MembersAreNotAsked,
}

impl Break {
    pub const ALL: [Self; 14] = [
        Self::NoMoves,
        Self::MovesRevive,
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

    pub const OF_GROUPS: [Self; 3] = [
        Self::FailuresAreWaitedOut,
        Self::OwnersAreDeaf,
        Self::MembersAreNotAsked,
    ];
}

/// Runs the program by the rules, all but the broken one.
pub fn run(program: &Program, broken: Option<Break>) -> Vec<Event> {
    let mut world = World::new(broken);
    let root = world.frame(Kind::Root, None, &[]);
    let mut path = vec![root];
    let mut body = Seq::new(program, &program.steps, 0);
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
            let next = next_instant(&world, &body, program).expect("something is still to come");
            world.clock = world.clock.max(next);
        }
        world.now = world.now.max(world.clock);
    }
    program.by_task(world.log)
}

/// The next instant at which something may happen.
fn next_instant(world: &World, body: &Seq<'_>, program: &Program) -> Option<u64> {
    let mut all = Vec::new();
    body.instants(world, &mut all);
    all.extend(program.cancel.map(|at| at * MS));
    all.extend(program.stop.map(|at| at * MS));
    all.extend(program.moved.map(|(at, ..)| at * MS));
    all.extend(program.notes.iter().map(|at| at * MS));
    all.into_iter().filter(|&at| at > world.now).min()
}
