//! Groups against their specification: random members, policies and owners.
//!
//! No two things happen at one instant, except what one causes of the other, so the specification is a
//! few sums and comparisons.

use std::time::Duration;

use bibelot::{
    AsCancelled, Cancelled, Error, Finished, MemberError, TaskGroup, Wait, sleep, spawn,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::world::{Timely, now};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Some,
    None,
    Fail,
    Panic,
}

/// What a member does when it is cancelled, after its clean-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenCut {
    Pass,
    Swallow,
    Fail,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    ends_at: u64,
    end: End,
    clean_up: u64,
    when_cut: WhenCut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    All,
    Any,
    Some,
    None,
}

#[derive(Clone, Debug)]
struct Scene {
    members: Vec<Member>,
    policy: Policy,
    eager: bool,
    body_ends_at: u64,
    body_fails: bool,
    cancel_at: Option<u64>,
}

/// What became of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Value(bool),
    Failed,
    Panicked,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Result {
    /// Each member's fate, and which one counted first.
    Outcome(Vec<Fate>, Option<usize>),
    BodyFailed,
    Cancelled,
    /// The first failure cut the body.
    Cut,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    at: u64,
    result: Result,
    /// The owner was asked while its members ended, and hears of it after.
    still_asked: bool,
}

impl Member {
    fn natural(self) -> Fate {
        match self.end {
            End::Some => Fate::Value(true),
            End::None => Fate::Value(false),
            End::Fail => Fate::Failed,
            End::Panic => Fate::Panicked,
        }
    }

    fn cut(self) -> Fate {
        match self.when_cut {
            WhenCut::Pass => Fate::Cancelled,
            WhenCut::Swallow => Fate::Value(true),
            WhenCut::Fail => Fate::Failed,
        }
    }
}

impl Fate {
    fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Panicked)
    }
}

/// What the rules say.
fn specified(scene: &Scene) -> Seen {
    let mut order: Vec<usize> = (0..scene.members.len()).collect();
    order.sort_by_key(|&index| scene.members[index].ends_at);
    let first_failure = order.iter().map(|&index| scene.members[index]);
    let first_failure = first_failure
        .filter(|member| member.natural().is_failure())
        .map(|member| member.ends_at);
    let cut_at = first_failure.min().filter(|_| scene.eager);
    let (owner, body) = (scene.cancel_at.unwrap_or(u64::MAX), scene.body_ends_at);
    let cut_at = cut_at.unwrap_or(u64::MAX);

    // How the owner comes to the end of the group: when, with what, and who counted.
    let mut completed = None;
    let (ends_at, failed) = if owner < body.min(cut_at) {
        (owner, Some(Result::Cancelled))
    } else if cut_at < body {
        (cut_at, Some(Result::Cut))
    } else if scene.body_fails {
        (body, Some(Result::BodyFailed))
    } else if scene.policy == Policy::None {
        (body, None)
    } else {
        let mut over = order
            .last()
            .map_or(body, |&last| scene.members[last].ends_at.max(body));
        for &index in &order {
            let fate = scene.members[index].natural();
            let counts = match scene.policy {
                Policy::All | Policy::Any => true,
                Policy::Some => fate == Fate::Value(true),
                Policy::None => false,
            };
            let ends = fate.is_failure() || (counts && scene.policy != Policy::All);
            if scene.members[index].ends_at > owner.max(body) {
                break;
            }
            if counts || fate.is_failure() {
                completed = completed.or(Some(index));
            }
            if ends {
                over = scene.members[index].ends_at.max(body);
                break;
            }
        }
        if owner < over {
            (owner, Some(Result::Cancelled))
        } else {
            (over, None)
        }
    };

    // Whoever still runs then is cancelled.
    let mut at = ends_at;
    let fates = scene.members.iter().map(|member| {
        if member.ends_at <= ends_at {
            return member.natural();
        }
        at = at.max(ends_at + member.clean_up);
        member.cut()
    });
    let fates: Vec<Fate> = fates.collect();
    let was_told = failed == Some(Result::Cancelled);
    Seen {
        at,
        still_asked: !was_told && owner < at,
        result: failed.unwrap_or(Result::Outcome(fates, completed)),
    }
}

async fn ms(n: u64) -> std::result::Result<(), Cancelled> {
    sleep(Duration::from_millis(n)).await.map(drop)
}

async fn play(member: Member) -> std::result::Result<Option<u8>, Error> {
    let failed = || Err(Error::from(std::io::Error::other("on purpose")));
    if let Err(cut) = ms(member.ends_at).await {
        ms(member.clean_up).await?;
        return match member.when_cut {
            WhenCut::Pass => Err(cut.into()),
            WhenCut::Swallow => Ok(Some(1)),
            WhenCut::Fail => failed(),
        };
    }
    match member.end {
        End::Some => Ok(Some(1)),
        End::None => Ok(None),
        End::Fail => failed(),
        End::Panic => std::panic::resume_unwind(Box::new("on purpose")),
    }
}

/// What the group does.
fn played(scene: &Scene) -> Seen {
    let scene = scene.clone();
    Timely::default().block_on(async move {
        let cancel_at = scene.cancel_at;
        let owner = spawn(own(scene));
        if let Some(at) = cancel_at {
            ms(at).await.unwrap();
            owner.cancel_nowait();
        }
        owner.await.unwrap()
    })
}

async fn own(scene: Scene) -> Seen {
    let wait = match scene.policy {
        Policy::All => Wait::All,
        Policy::Any => Wait::Any,
        Policy::Some => Wait::SOME,
        Policy::None => Wait::None,
    };
    let body = async |group: &bibelot::Group<Option<u8>, Error>| {
        let mut ids = Vec::new();
        for member in &scene.members {
            ids.push(group.spawn(play(*member))?.id());
        }
        ms(scene.body_ends_at).await?;
        if scene.body_fails {
            Err(Error::Closed)
        } else {
            Ok(ids)
        }
    };
    let group = TaskGroup::new(wait);
    let handle = (*group).clone();
    let ended = if scene.eager {
        group.eager_scope(body).await
    } else {
        group.scope(body).await
    };
    assert_eq!(
        (handle.running(), handle.is_closed()),
        (0, true),
        "no member survives"
    );
    let at = now();
    let result = match ended {
        Err(error) if error.is_cancelled() => Result::Cancelled,
        Err(error) if error.timed_out() => Result::Cut,
        Err(_) => Result::BodyFailed,
        Ok(outcome) => {
            let completed = outcome.completed();
            let (ids, members) = outcome.into_parts();
            let completed = completed.and_then(|id| ids.iter().position(|known| *known == id));
            assert!(members.iter().map(|member| member.id).eq(ids));
            Result::Outcome(members.into_iter().map(fate).collect(), completed)
        }
    };
    Seen {
        at,
        result,
        still_asked: ms(0).await.is_err(),
    }
}

fn fate(member: Finished<Option<u8>, Error>) -> Fate {
    match member.result {
        Ok(value) => Fate::Value(value.is_some()),
        Err(MemberError::Failed(_)) => Fate::Failed,
        Err(MemberError::Panicked(_)) => Fate::Panicked,
        Err(MemberError::Cancelled(_)) => Fate::Cancelled,
        Err(other) => panic!("{other}"),
    }
}

fn scenes() -> impl Strategy<Value = Scene> {
    let end = prop_oneof![
        4 => Just(End::Some),
        3 => Just(End::None),
        1 => Just(End::Fail),
        1 => Just(End::Panic),
    ];
    let when_cut = prop_oneof![3 => Just(WhenCut::Pass), 1 => Just(WhenCut::Swallow), 1 => Just(WhenCut::Fail)];
    // Members are in the last digit apart, from each other, from the body and from the cancel.
    let member =
        (1..8u64, end, 0..5u64, when_cut).prop_map(|(tens, end, clean_up, when_cut)| Member {
            ends_at: tens * 10,
            end,
            clean_up: clean_up * 10,
            when_cut,
        });
    let policy = prop_oneof![
        Just(Policy::All),
        Just(Policy::Any),
        Just(Policy::Some),
        Just(Policy::None)
    ];
    let cancel = prop::option::weighted(0.4, (0..12u64).prop_map(|tens| tens * 10 + 9));
    (
        prop::collection::vec(member, 0..6),
        policy,
        any::<bool>(),
        (0..8u64).prop_map(|tens| tens * 10 + 7),
        prop::bool::weighted(0.2),
        cancel,
    )
        .prop_map(
            |(mut members, policy, eager, body_ends_at, body_fails, cancel_at)| {
                for (digit, member) in members.iter_mut().enumerate() {
                    member.ends_at += digit as u64;
                }
                Scene {
                    members,
                    policy,
                    eager,
                    body_ends_at,
                    body_fails,
                    cancel_at,
                }
            },
        )
}

#[test]
fn groups_do_as_their_specification_says() {
    // Failures that nobody is given are what this test makes.
    bibelot::set_crash_hook(|_| ());
    let config = ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..Default::default()
    };
    let result = TestRunner::new(config).run(&scenes(), |scene| {
        prop_assert_eq!(played(&scene), specified(&scene));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
