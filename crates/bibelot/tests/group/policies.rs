//! What groups wait for, and what they give.

use std::time::Duration;

use bibelot::{
    AsCancelled, Cause, Error, Event, FirstCompleted, MemberError, NextError, TaskError, TaskGroup,
    Wait, eager_group, sleep, spawn, task_group, wait, yield_now,
};
use futures_util::{StreamExt, TryStreamExt};

use crate::{after, failing, ms, now, run};

#[test]
fn all_gives_every_result_in_spawn_order() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            for n in [3, 1, 2] {
                g.spawn(after(n, n))?;
            }
            bibelot::Ok("body")
        })
        .await?;
        assert_eq!((now(), *outcome.value()), (3, "body"));
        assert_eq!(outcome.first().unwrap().as_ref().unwrap(), &1);
        assert_eq!(outcome.into_results().unwrap(), [3, 1, 2]);
        Ok(())
    });
}

#[test]
fn a_failure_ends_the_wait_for_all_and_cancels_the_rest() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            g.spawn(after(100, 1))?;
            g.spawn(failing(10, "disk"))?;
            g.spawn(after(5, 3))?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 10);
        let results: Vec<_> = outcome.iter().map(|member| &member.result).collect();
        assert!(matches!(results[0], Err(MemberError::Cancelled(e)) if e.is_cancelled()));
        assert!(matches!(results[1], Err(MemberError::Failed(_))));
        assert!(matches!(results[2], Ok(3)));
        let error = outcome.into_results().unwrap_err();
        assert!(error.to_string().ends_with("disk") && error.others.is_empty());
        Ok(())
    });
}

#[test]
fn several_failures_are_reported_together() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            g.spawn_named("first", failing(10, "one"))?;
            g.spawn(async {
                // Cancelled when the other fails, it fails in its clean-up.
                let _ = ms(50).await;
                failing(1, "two").await
            })?;
            bibelot::Ok(())
        })
        .await?;
        let error = outcome.into_results().unwrap_err();
        assert_eq!(error.iter().count(), 2);
        let text = error.to_string();
        assert!(
            text.contains("(first): one; task ") && text.ends_with("two"),
            "{text}"
        );
        assert!(Error::from(error).to_string().contains("one"));
        Ok(())
    });
}

#[test]
fn any_ends_with_the_first_and_keeps_what_had_ended() {
    run(async {
        let outcome = task_group(Wait::Any, async |g| {
            g.spawn(after(5, 'a'))?;
            g.spawn(after(3, 'b'))?;
            g.spawn(after(3, 'c'))?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 3);
        let completed = outcome.completed().unwrap();
        assert!(matches!(outcome.get(completed), Some(Ok('b'))));
        let cut = outcome
            .errors()
            .map(|(_, error)| matches!(error, MemberError::Cancelled(_)));
        assert_eq!(cut.collect::<Vec<_>>(), [true]);
        assert!(matches!(outcome.into_first(), Some(Ok('b'))));
        Ok(())
    });
}

#[test]
fn some_skips_members_that_give_nothing() {
    run(async {
        let outcome = task_group(Wait::SOME, async |g| {
            g.spawn(after(1, None))?;
            g.spawn(after(2, Some("found")))?;
            g.spawn(after(9, Some("late")))?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 2);
        assert!(matches!(outcome.into_first(), Some(Ok(Some("found")))));

        let nothing = task_group(Wait::SOME, async |g| {
            g.spawn(after(1, None::<()>))?;
            bibelot::Ok(())
        })
        .await?;
        assert!(nothing.completed().is_none() && nothing.first().is_none());
        Ok(())
    });
}

#[test]
fn until_ends_with_the_first_value_that_is_accepted() {
    run(async {
        let outcome = task_group(Wait::Until(|n: &u64| *n > 1), async |g| {
            for n in 1..=3 {
                g.spawn(after(n, n))?;
            }
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 2);
        assert!(matches!(outcome.into_first(), Some(Ok(2))));
        Ok(())
    });
}

#[test]
fn none_asks_all_members_before_it_awaits_any() {
    run(async {
        let outcome = task_group(Wait::None, async |g| {
            for _ in 0..10 {
                g.spawn(async {
                    let cut = ms(1_000_000).await.unwrap_err();
                    ms(100).await?;
                    Err::<(), _>(cut)
                })?;
            }
            yield_now().await?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!((now(), outcome.len()), (100, 10));
        assert!(
            outcome
                .errors()
                .all(|(_, error)| matches!(error, MemberError::Cancelled(_)))
        );
        Ok(())
    });
}

#[test]
fn cancelled_and_aborted_members_do_not_stop_all() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            let cut = g.spawn(after(50, 1))?;
            let gone = g.spawn(after(50, 2))?;
            g.spawn(after(20, 3))?;
            ms(1).await?;
            cut.cancel_nowait();
            gone.abort();
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 20);
        let results: Vec<_> = outcome.into_iter().map(|member| member.result).collect();
        assert!(matches!(results[0], Err(MemberError::Cancelled(_))));
        assert!(matches!(results[1], Err(MemberError::Aborted)));
        assert!(matches!(results[2], Ok(3)));
        Ok(())
    });
}

#[test]
fn next_done_gives_members_as_they_end_and_takes_them() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            for n in [3, 1, 2] {
                g.spawn(after(n, n))?;
            }
            g.spawn(async { failing(4, "taken").await.map(u64::from) })?;
            let mut seen = Vec::new();
            while let Some(done) = g.next_done().await? {
                seen.push(done.result.ok());
            }
            assert_eq!(seen, [Some(1), Some(2), Some(3), None]);
            assert!(matches!(g.next_result().await, Err(NextError::Empty)));
            bibelot::Ok(())
        })
        .await?;
        assert!(outcome.is_empty());
        Ok(())
    });
}

#[test]
fn members_that_end_are_a_stream() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            for n in [3, 1, 2] {
                g.spawn(after(n, n))?;
            }
            let mut ends = g.ends();
            let first = ends.try_next().await?.map(|done| done.result.unwrap());
            assert_eq!(first, Some(1));
            // What a cut or dropped stream has not given out stays.
            let cut = bibelot::timeout_after(Duration::ZERO, ends.try_next()).await;
            assert!(cut.unwrap_err().timed_out());
            drop(ends);
            let rest: Vec<_> = g
                .ends()
                .map_ok(|done| done.result.unwrap())
                .try_collect()
                .await?;
            assert_eq!(rest, [2, 3]);
            assert!(g.ends().next().await.is_none());
            bibelot::Ok(())
        })
        .await?;
        assert!(outcome.is_empty());
        Ok(())
    });
}

#[test]
fn next_result_gives_the_members_own_failure() {
    run(async {
        let _outcome = task_group(Wait::All, async |g| {
            g.spawn(failing(1, "mine"))?;
            match g.next_result().await {
                Err(NextError::Member(MemberError::Failed(error))) => {
                    assert_eq!(error.to_string(), "mine");
                }
                other => panic!("{other:?}"),
            }
            bibelot::Ok(())
        })
        .await?;
        Ok(())
    });
}

#[test]
fn a_joined_member_counts_for_nothing() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            let fails = g.spawn(failing(1, "joined"))?;
            g.spawn(after(20, 7))?;
            assert!(fails.join().await?.is_err());
            assert!(matches!(fails.join().await, Err(TaskError::Taken)));
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 20);
        assert_eq!(outcome.into_results().unwrap(), [7]);
        Ok(())
    });
}

#[test]
fn the_first_failure_cuts_the_body_of_an_eager_group_once() {
    run(async {
        let cut = eager_group(Wait::All, async |g| {
            g.spawn(failing(10, "eager"))?;
            ms(1000).await?;
            bibelot::Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(now(), 10);
        assert!(cut.timed_out());
        assert!(matches!(
            cut.as_cancelled().unwrap().cause(),
            Cause::Group(_)
        ));

        let calm = eager_group(Wait::All, async |g| {
            g.spawn(failing(10, "heard"))?;
            assert!(ms(1000).await.is_err());
            ms(5).await?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 25);
        assert!(calm.into_results().is_err());
        Ok(())
    });
}

#[test]
fn rounds_over_tasks_and_events_meet() {
    run(async {
        let open = Event::new();
        let gate = open.clone();
        let tasks = vec![
            spawn(async move { gate.wait().await.map(|()| 1) }),
            spawn(async { sleep(Duration::from_millis(5)).await.map(|_| 2) }),
        ];
        let (done, pending) = wait(tasks, FirstCompleted).await?;
        assert_eq!((done.len(), pending.len()), (1, 1));
        open.set();
        for task in pending {
            assert_eq!(task.await??, 1);
        }
        Ok::<(), Error>(())
    });
}

#[test]
fn a_group_that_discards_values_keeps_failures_alone() {
    run(async {
        let group = TaskGroup::new(Wait::All).discard_values();
        let outcome = group
            .scope(async |g| {
                for n in 0..1000u32 {
                    g.spawn(async move {
                        yield_now().await?;
                        if n == 999 {
                            failing(5, "kept").await
                        } else {
                            Ok(n)
                        }
                    })?;
                }
                ms(1).await?;
                assert_eq!((g.members().len(), g.running()), (1, 1));
                let joined = g.spawn(after(1, 7))?;
                assert_eq!(joined.join().await??, 7);
                bibelot::Ok(())
            })
            .await?;
        assert_eq!(outcome.len(), 1);
        assert!(
            outcome
                .into_results()
                .unwrap_err()
                .to_string()
                .ends_with("kept")
        );
        Ok(())
    });
}
