//! Groups: members that are tasks, and an owner that runs its body, waits, and ends them.

use std::collections::BTreeSet;

use super::Break;
use super::rules::{Fail, Inside, Kind, Request, World};
use super::steps::{Polled, Seq};
use crate::program::{Program, Stage, Step, ahead, size};

/// A group under way.
pub struct Group<'p> {
    all: bool,
    members: Vec<Member<'p>>,
    body: Seq<'p>,
    stage: At,
    /// What the owner takes along to the end.
    result: Result<(), Fail>,
}

enum At {
    Body,
    Waits(Option<BTreeSet<Request>>),
    Ends,
}

struct Member<'p> {
    root: usize,
    /// Until when it does nothing.
    begins: u64,
    /// The requests that existed when it began to do so.
    existed: Option<BTreeSet<Request>>,
    steps: Option<Seq<'p>>,
    has_failed: bool,
}

impl<'p> Group<'p> {
    pub fn begin(
        program: &'p Program,
        all: bool,
        members: &'p [Vec<Step>],
        body: &'p [Step],
        number: usize,
        world: &mut World,
    ) -> Self {
        let places = program.members();
        let mut first = number + 1;
        let members = members.iter().map(|steps| {
            let place = places.iter().position(|place| place.start == first);
            let member = Member {
                root: world.frame(Kind::Root, None, &[]),
                begins: world.now + ahead(place.expect("it is a member")),
                existed: None,
                steps: Some(Seq::new(program, steps, first)),
                has_failed: false,
            };
            first += size(steps);
            member
        });
        let members = members.collect();
        Self {
            all,
            members,
            body: Seq::new(program, body, first),
            stage: At::Body,
            result: Ok(()),
        }
    }

    pub fn poll(&mut self, world: &mut World, path: &mut Vec<usize>) -> Polled {
        for member in &mut self.members {
            member.poll(world);
        }
        loop {
            match &mut self.stage {
                At::Body => match self.body.poll(world, path) {
                    Polled::Pending(inside) => return Polled::Pending(inside),
                    Polled::Done(Ok(())) => self.stage = At::Waits(None),
                    Polled::Done(Err(fail)) => self.end(world, Err(fail)),
                },
                At::Waits(existed) => {
                    let is_over = !self.all
                        || (self.members.iter().any(|member| member.has_failed)
                            && !world.is_broken(Break::FailuresAreWaitedOut))
                        || self.members.iter().all(|member| member.steps.is_none());
                    if is_over {
                        self.end(world, Ok(()));
                    } else if !world.is_broken(Break::OwnersAreDeaf)
                        && let Some(request) = world.due(path, existed.as_ref())
                    {
                        let told = world.tell(path, request);
                        self.end(world, Err(told));
                    } else {
                        if existed.is_none() {
                            *existed = Some(world.existing(path));
                        }
                        return Polled::Pending(Inside::HEARS);
                    }
                }
                At::Ends => {
                    if self.members.iter().any(|member| member.steps.is_some()) {
                        return Polled::Pending(Inside::HEARS);
                    }
                    return Polled::Done(self.result);
                }
            }
        }
    }

    /// All are asked before any is awaited, behind a shield.
    fn end(&mut self, world: &mut World, result: Result<(), Fail>) {
        self.result = result;
        self.stage = At::Ends;
        for member in &self.members {
            if member.steps.is_some() && !world.is_broken(Break::MembersAreNotAsked) {
                world.cancel(member.root);
                world.parks_for_a_turn = true;
            }
        }
    }

    pub fn instants(&self, world: &World, all: &mut Vec<u64>) {
        for member in &self.members {
            if let Some(steps) = &member.steps {
                all.push(member.begins);
                steps.instants(world, all);
            }
        }
        self.body.instants(world, all);
    }
}

impl Member<'_> {
    fn poll(&mut self, world: &mut World) {
        let mut path = vec![self.root];
        let Some(steps) = &mut self.steps else {
            return;
        };
        let result = if world.now < self.begins {
            let Some(request) = world.due(&path, self.existed.as_ref()) else {
                self.existed.get_or_insert_with(|| world.existing(&path));
                return;
            };
            Err(world.tell(&path, request))
        } else {
            match steps.poll(world, &mut path) {
                Polled::Done(result) => result,
                Polled::Pending(inside) => match world.unheard(&path, inside) {
                    // It is dropped, which is no failure.
                    Some(_) => Ok(()),
                    None => return,
                },
            }
        };
        self.steps = None;
        let was_cancelled = world.is_cancelled(self.root);
        self.has_failed = result.is_err_and(|fail| !(was_cancelled && fail.stage == Stage::Live));
    }
}
