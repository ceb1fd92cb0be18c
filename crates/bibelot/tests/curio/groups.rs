//! GRP: groups.

use bibelot::{
    Error, MemberError, TaskGroup, Wait, async_thread, sleep, spawn, task_group, yield_now,
};

use crate::{LONG, exactly, ms, now, on_threads};

async fn after<T>(n: u64, value: T) -> bibelot::Result<T> {
    sleep(ms(n)).await?;
    Ok(value)
}

async fn failing<T>(n: u64) -> bibelot::Result<T> {
    sleep(ms(n)).await?;
    Err(Error::Closed)
}

#[test]
fn the_error_of_a_group_is_that_of_the_member_that_ended_it() {
    exactly(async {
        for wait in [Wait::All, Wait::Any] {
            let outcome = task_group(wait, async |g| {
                g.spawn(failing::<()>(1))?;
                g.spawn(after(5, ()))?;
                bibelot::Ok(())
            })
            .await?;
            assert!(matches!(
                outcome.error(),
                Some(MemberError::Failed(Error::Closed))
            ));
            assert!(matches!(outcome.first(), Some(Err(_))));
        }
        let fine = task_group(Wait::All, async |g| {
            g.spawn(after(1, 7))?;
            bibelot::Ok(())
        })
        .await?;
        assert!(fine.error().is_none() && fine.first().is_some());
        let empty = TaskGroup::<(), Error>::new(Wait::All).join().await?;
        assert!(empty.error().is_none() && empty.first().is_none() && empty.is_empty());
        Ok(())
    });
}

#[test]
fn a_failure_also_ends_the_wait_for_a_value_and_a_daemon_counts_for_no_wait() {
    exactly(async {
        let some = task_group(Wait::SOME, async |g| {
            g.spawn(after(1, None))?;
            g.spawn(failing(2))?;
            g.spawn(after(9, Some(())))?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 2);
        assert!(matches!(some.error(), Some(MemberError::Failed(_))));
        let any = task_group(Wait::Any, async |g| {
            g.spawn_daemon(after(1, ()))?;
            g.spawn(after(5, "member"))?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 7);
        assert!(matches!(any.into_first(), Some(Ok("member"))));
        Ok(())
    });
}

#[test]
fn results_are_refused_where_losers_were_cancelled() {
    exactly(async {
        let outcome = task_group(Wait::Any, async |g| {
            g.spawn(after(5, 'a'))?;
            g.spawn(after(1, 'b'))?;
            bibelot::Ok(())
        })
        .await?;
        assert!(matches!(outcome.first(), Some(Ok('b'))));
        let refused = outcome.into_results().unwrap_err();
        assert!(matches!(refused.into_first(), MemberError::Cancelled(_)));
        Ok(())
    });
}

#[test]
fn members_are_listed_in_spawn_order_until_they_are_taken() {
    exactly(async {
        let outcome = task_group(Wait::All, async |g| {
            // An empty group has nobody to cancel and nobody to wait for.
            g.cancel_remaining().await?;
            assert!(g.next_done().await?.is_none());
            let spawned = [9, 1, 5].map(|n| g.spawn(after(n, n)).unwrap());
            g.spawn_daemon(after(100, ()))?;
            let ids = |g: &bibelot::Group<u64, Error>| -> Vec<_> {
                g.members().iter().map(bibelot::Member::id).collect()
            };
            assert_eq!(ids(g), spawned.each_ref().map(bibelot::Member::id));
            assert_eq!(g.next_done().await?.unwrap().id, spawned[1].id());
            assert_eq!(spawned[0].join().await??, 9);
            assert_eq!(ids(g), [spawned[2].id()]);
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(outcome.into_results().unwrap(), [5]);
        Ok(())
    });
}

#[test]
fn failures_of_groups_inside_groups_are_flattened_on_request() {
    async fn grove(names: [&'static str; 2]) -> bibelot::Result<()> {
        let outcome = task_group(Wait::All, async |g| {
            for name in names {
                // They fail together, the second in its clean-up.
                g.spawn_named(name, async {
                    let _ = sleep(ms(1)).await;
                    failing::<()>(1).await
                })?;
            }
            bibelot::Ok(())
        });
        outcome.await?.into_results()?;
        Ok(())
    }
    exactly(async {
        let outcome = task_group(Wait::All, async |g| {
            g.spawn_named("left", grove(["ash", "elm"]))?;
            g.spawn_named("right", grove(["oak", "yew"]))?;
            g.spawn_named("alone", async {
                let _ = sleep(LONG).await;
                failing(1).await
            })?;
            bibelot::Ok(())
        })
        .await?;
        let nested = outcome.into_results().unwrap_err();
        assert_eq!(nested.iter().count(), 3);
        let flat = nested.flatten();
        assert_eq!(flat.iter().count(), 5);
        let text = flat.to_string();
        let places: Vec<_> = ["(ash)", "(elm)", "(oak)", "(yew)", "(alone)"]
            .iter()
            .map(|name| text.find(name).expect(&text))
            .collect();
        assert!(places.is_sorted(), "{text}");
        assert!(matches!(
            flat.into_first(),
            MemberError::Failed(Error::Closed)
        ));
        Ok(())
    });
}

#[test]
fn a_cancel_of_an_ended_member_is_nothing_and_its_result_stays() {
    exactly(async {
        let outcome = task_group(Wait::All, async |g| {
            let member = g.spawn(after(1, 7))?;
            member.wait().await?;
            assert!(!member.cancel_nowait());
            member.cancel().await?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(outcome.into_results().unwrap(), [7]);
        Ok(())
    });
}

#[test]
fn a_group_works_in_a_thread_that_awaits() {
    on_threads(|| async {
        let sum = async_thread(|cx| {
            cx.block_on(async {
                let mut sum = 0;
                let rest = task_group(Wait::All, async |g| {
                    for n in 1..=3 {
                        g.spawn(after(n, n))?;
                    }
                    while let Some(done) = g.next_done().await? {
                        sum += done.result.unwrap();
                    }
                    bibelot::Ok(())
                })
                .await?;
                assert!(rest.is_empty());
                bibelot::Ok(sum)
            })
        });
        assert_eq!(sum.await??, 6);
        Ok(())
    });
}

#[test]
fn members_of_several_types_meet_in_one() {
    #[derive(Debug, PartialEq)]
    enum Found {
        Number(u64),
        Word(&'static str),
    }
    exactly(async {
        let outcome = task_group(Wait::All, async |g| {
            g.spawn(async { after(2, 7).await.map(Found::Number) })?;
            g.spawn(async { after(1, "seven").await.map(Found::Word) })?;
            bibelot::Ok(())
        })
        .await?;
        let found = outcome.into_results().unwrap();
        assert_eq!(found, [Found::Number(7), Found::Word("seven")]);
        Ok(())
    });
}

#[bibelot::test(uring, poll, sim)]
async fn an_owner_that_is_cancelled_in_its_wait_leaves_nobody() {
    let owner = spawn(async {
        let group = TaskGroup::new(Wait::All);
        let member = group.spawn(sleep(LONG)).unwrap();
        let task = member.task();
        (group.join().await.map(drop), task.is_finished())
    });
    yield_now().await.unwrap();
    owner.cancel_nowait();
    let (joined, was_over) = owner.await.unwrap();
    assert!(joined.is_err() && was_over);
}
