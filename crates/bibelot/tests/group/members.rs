//! Members: how they come, how they go, and that nobody survives the group.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bibelot::{
    AsCancelled, Cancelled, Cause, Error, GroupClosed, MemberError, TaskError, TaskGroup, Wait,
    current, shield, sleep, spawn, task_group, timeout_after, yield_now,
};

use crate::{Log, after, failing, ms, now, run};

#[test]
fn an_error_of_the_body_ends_the_group_and_reports_what_nobody_took() {
    run(async {
        let before = bibelot::crash_count();
        // The hook is the process's; this test's crash is told apart by its name.
        let (tell, told) = std::sync::mpsc::channel();
        bibelot::set_crash_hook(move |crash| {
            tell.send((crash.name.map(str::to_owned), crash.to_string()))
                .ok();
        });
        let failed = task_group(Wait::All, async |g| {
            g.spawn_named("reported", failing(1, "lost"))?;
            g.spawn(async {
                ms(99).await.ok();
                ms(10).await?;
                bibelot::Ok(1)
            })?;
            ms(5).await?;
            Err::<(), _>(Error::Closed)
        })
        .await;
        assert!(matches!(failed, Err(Error::Closed)));
        assert_eq!(now(), 15);
        let found = told
            .try_iter()
            .any(|(name, text): (Option<String>, String)| {
                name.as_deref() == Some("reported") && text.ends_with("(reported) failed: lost")
            });
        assert!(found && bibelot::crash_count() > before);
        Ok(())
    });
}

#[test]
fn an_owner_cut_in_its_wait_returns_its_own_error_when_all_have_ended() {
    run(async {
        let cause = Rc::new(RefCell::new(None));
        let seen = cause.clone();
        let owner = spawn(async move {
            task_group(Wait::All, async |g| {
                g.spawn(async move {
                    let cut = sleep(Duration::from_secs(60)).await.unwrap_err();
                    *seen.borrow_mut() = Some(cut.cause().clone());
                    ms(20).await
                })?;
                bibelot::Ok(())
            })
            .await
        });
        ms(10).await?;
        owner.cancel_with(std::fmt::Error);
        let cut = owner.await?.unwrap_err();
        assert_eq!(now(), 30);
        assert!(matches!(*cause.borrow(), Some(Cause::Task)));
        let cancelled = cut.as_cancelled().unwrap();
        assert!(cancelled.downcast_ref::<std::fmt::Error>().is_some());
        Ok(())
    });
}

#[test]
fn a_limit_around_a_group_cuts_the_members_as_cancelled() {
    run(async {
        let limited = timeout_after(
            Duration::from_millis(10),
            task_group(Wait::All, async |g| {
                g.spawn(async {
                    let cut = ms(99).await.unwrap_err();
                    assert!(matches!(cut.as_cancelled().unwrap().cause(), Cause::Task));
                    ms(5).await
                })?;
                bibelot::Ok(())
            }),
        );
        assert!(limited.await.unwrap_err().timed_out());
        assert_eq!(now(), 15);
        Ok(())
    });
}

#[test]
fn members_spawn_siblings_while_the_owner_waits() {
    run(async {
        fn chain(g: bibelot::Group<u32, Error>, left: u32) -> bibelot::Result<()> {
            let next = g.clone();
            g.spawn(async move {
                ms(1).await?;
                if left > 1 {
                    chain(next, left - 1)?;
                }
                bibelot::Ok(left)
            })?;
            Ok(())
        }
        let outcome = task_group(Wait::All, async |g| chain(g.clone(), 4)).await?;
        assert_eq!(outcome.into_results().unwrap(), [4, 3, 2, 1]);
        Ok(())
    });
}

#[test]
fn a_closed_group_gives_the_future_back() {
    run(async {
        let handle = RefCell::new(None);
        let _ended = task_group(Wait::All, async |g| {
            g.spawn(after(1, ()))?;
            *handle.borrow_mut() = Some(g.clone());
            bibelot::Ok(())
        })
        .await?;
        let handle = handle.take().unwrap();
        let GroupClosed(future) = handle.spawn(after(1, ())).unwrap_err();
        assert!(handle.is_closed());
        future.await
    });
}

#[test]
fn a_dropped_group_aborts_its_members_newest_first_before_drop_returns() {
    struct Bell(u32, Rc<RefCell<Vec<u32>>>);
    impl Drop for Bell {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }
    run(async {
        let rung = Rc::new(RefCell::new(Vec::new()));
        let group = TaskGroup::new(Wait::All);
        for n in 0..3 {
            let bell = Bell(n, rung.clone());
            group.spawn(async move {
                let _bell = bell;
                ms(1000).await
            })?;
        }
        yield_now().await?;
        drop(group);
        assert_eq!(*rung.borrow(), [2, 1, 0]);
        Ok(())
    });
}

#[test]
fn no_member_survives_an_owner_that_panics_or_is_aborted() {
    run(async {
        for panics in [true, false] {
            let alive = Rc::new(Cell::new(false));
            let flag = alive.clone();
            let owner = spawn(async move {
                task_group(Wait::All, async |g| {
                    g.spawn(async move {
                        struct Gone(Rc<Cell<bool>>);
                        impl Drop for Gone {
                            fn drop(&mut self) {
                                self.0.set(false);
                            }
                        }
                        flag.set(true);
                        let _gone = Gone(flag);
                        ms(1000).await
                    })?;
                    ms(1).await?;
                    assert!(!panics, "on purpose");
                    bibelot::Ok(())
                })
                .await
                .map(drop)
            });
            ms(5).await?;
            if !panics {
                assert!(alive.get());
                owner.abort();
            }
            assert!(!alive.get());
            let ended = owner.await;
            match panics {
                true => assert!(matches!(ended, Err(TaskError::Panicked(_)))),
                false => assert!(matches!(ended, Err(TaskError::Aborted))),
            }
        }
        Ok(())
    });
}

#[test]
fn a_panic_of_a_member_is_an_error_of_the_group() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            g.spawn(async {
                ms(1).await?;
                panic!("no curio");
            })?;
            g.spawn(after(100, ()))?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 1);
        let error = outcome.into_results().unwrap_err();
        assert!(error.to_string().ends_with("panicked: no curio"));
        Ok(())
    });
}

#[test]
fn a_join_that_was_cut_leaves_the_member_to_its_group() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            let slow = g.spawn(after(20, 7))?;
            let joined = timeout_after(Duration::from_millis(5), slow.join()).await;
            assert!(joined.unwrap_err().timed_out());
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(outcome.into_results().unwrap(), [7]);
        Ok(())
    });
}

#[test]
fn daemons_are_waited_for_by_nobody_and_survive_nothing() {
    run(async {
        let ended = Rc::new(Cell::new(0));
        let flag = ended.clone();
        let outcome = task_group(Wait::All, async |g| {
            g.spawn_daemon(async move {
                sleep(Duration::from_secs(9)).await.ok();
                shield(sleep(Duration::from_millis(10))).await.ok();
                flag.set(now());
            })?;
            g.spawn(after(3, ()))?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!((now(), ended.get(), outcome.len()), (13, 13, 1));
        Ok(())
    });
}

#[test]
fn a_group_adopts_tasks_that_run_or_have_ended_but_no_members() {
    run(async {
        let ended = spawn(after(1, 1));
        let running = spawn(after(9, 2));
        ms(5).await?;
        let outcome = task_group(Wait::All, async |g| {
            g.add(ended).unwrap();
            let member = g.add(running).unwrap();
            assert!(!member.is_finished());
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(now(), 9);
        assert_eq!(outcome.into_results().unwrap(), [1, 2]);
        Ok(())
    });
}

#[test]
fn what_the_owner_was_asked_while_members_end_stays_due() {
    run(async {
        let log: Log = Rc::default();
        let tell = log.clone();
        let owner = spawn(async move {
            let outcome = task_group(Wait::None, async |g| {
                g.spawn(async {
                    ms(100).await.ok();
                    ms(30).await
                })?;
                yield_now().await?;
                bibelot::Ok(())
            })
            .await?;
            tell.borrow_mut()
                .push(format!("{} {}", now(), outcome.len()));
            ms(1).await
        });
        ms(10).await?;
        owner.cancel_nowait();
        assert!(owner.await?.unwrap_err().is_cancelled());
        assert_eq!((now(), &*log.borrow()), (30, &vec!["30 1".to_owned()]));
        Ok(())
    });
}

#[test]
fn a_deaf_member_is_dropped_and_says_so() {
    run(async {
        let outcome = task_group(Wait::Any, async |g| {
            g.spawn(std::future::pending::<bibelot::Result<()>>())?;
            g.spawn(ms(1))?;
            bibelot::Ok(())
        })
        .await?;
        let first = outcome.iter().next().unwrap();
        assert!(matches!(&first.result, Err(MemberError::Dropped(_))));
        Ok(())
    });
}

#[test]
fn a_group_that_is_no_block_is_joined_by_hand() {
    run(async {
        let group = TaskGroup::new(Wait::All);
        group.spawn(after(2, 'x'))?;
        assert_eq!(group.members().len(), 1);
        assert_eq!(group.join().await?.into_results().unwrap(), ['x']);
        let group = TaskGroup::<(), Error>::new(Wait::All);
        group.spawn(ms(1000))?;
        assert_eq!(group.cancel().await.len(), 1);
        assert_eq!(now(), 2);
        Ok(())
    });
}

#[test]
fn members_free_their_memory_as_they_end() {
    run(async {
        let weak = Rc::new(RefCell::new(Vec::new()));
        let seen = weak.clone();
        let outcome = task_group(Wait::All, async |g| {
            for n in 0..10 {
                let held = Rc::new([0u8; 64]);
                seen.borrow_mut().push(Rc::downgrade(&held));
                g.spawn(async move {
                    ms(n).await?;
                    drop(held);
                    bibelot::Ok(())
                })?;
            }
            sleep(Duration::from_micros(5500)).await?;
            let alive = seen
                .borrow()
                .iter()
                .filter(|weak| weak.strong_count() > 0)
                .count();
            assert_eq!(alive, 4);
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(outcome.len(), 10);
        Ok(())
    });
}

#[test]
fn futures_of_groups_are_send_when_members_are() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    run(is_send(async {
        let outcome = task_group(Wait::All, async |g| {
            g.spawn(after(1, 1))?;
            g.next_result().await.map_err(|_| Error::Closed)?;
            bibelot::Ok(())
        })
        .await?;
        assert!(outcome.is_empty());
        Ok(())
    }));
}

#[test]
fn a_member_is_waited_for_and_cancelled_like_a_task() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            let member = g.spawn(async {
                ms(100).await.ok();
                ms(10).await?;
                bibelot::Ok(current().id())
            })?;
            yield_now().await?;
            member.cancel().await?;
            assert!(member.is_finished());
            bibelot::Ok(member.id())
        })
        .await?;
        assert_eq!(now(), 10);
        let id = *outcome.value();
        assert_eq!(outcome.into_results().unwrap(), [id]);
        Ok(())
    });
}

#[test]
fn the_owners_error_type_is_its_own() {
    run(async {
        let cut: Result<_, Cancelled> = task_group(Wait::<()>::All, async |g| {
            g.spawn(async { ms(1).await }).unwrap();
            Ok(5)
        })
        .await;
        assert_eq!(*cut.unwrap().value(), 5);
        Ok(())
    });
}

#[test]
fn a_limit_lets_so_many_members_run_at_a_time() {
    run(async {
        let running = Rc::new(Cell::new((0, 0)));
        let group = TaskGroup::new(Wait::All).limit(3);
        let outcome = group
            .scope(async |g| {
                for n in 0..10u64 {
                    let running = running.clone();
                    g.spawn_queued(async move {
                        let (now, most) = running.get();
                        running.set((now + 1, most.max(now + 1)));
                        ms(10).await?;
                        let (now, most) = running.get();
                        running.set((now - 1, most));
                        bibelot::Ok(n)
                    })
                    .await?;
                }
                bibelot::Ok(())
            })
            .await?;
        assert_eq!(running.get(), (0, 3));
        assert_eq!(now(), 40);
        assert_eq!(outcome.into_results().unwrap(), (0..10).collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn whoever_waits_for_room_gets_its_future_back() {
    run(async {
        let group = TaskGroup::new(Wait::All).limit(1);
        group.spawn_queued(after(100, 1)).await?;
        let cut = timeout_after(Duration::from_millis(5), group.spawn_queued(after(1, 2))).await;
        let cut = cut.unwrap_err();
        assert!(cut.timed_out() && !cut.is_closed());
        assert_eq!(cut.future.unwrap().await?, 2);

        let handle = (*group).clone();
        let waits = spawn(async move { handle.spawn_queued(after(1, 3)).await.map(drop) });
        yield_now().await?;
        group.cancel().await.into_results().unwrap_err();
        let refused = waits.await?.unwrap_err();
        assert!(refused.is_closed());
        assert_eq!(refused.future.unwrap().await?, 3);
        Ok(())
    });
}

#[test]
fn a_member_is_started_when_it_says_so() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            let started = g.start(|ready| async move {
                ms(10).await?;
                ready.send("port");
                after(10, 1).await
            });
            let (value, member) = started.await?;
            assert_eq!((value, now(), member.is_finished()), ("port", 10, false));
            let never = g.start(|_ready: bibelot::Ready<()>| after(1, 2)).await;
            assert!(matches!(never, Err(bibelot::StartError::NeverReady)));
            bibelot::Ok(())
        })
        .await?;
        assert_eq!(outcome.into_results().unwrap(), [1, 2]);
        Ok(())
    });
}

#[test]
fn members_that_do_not_end_within_the_grace_are_aborted() {
    run(async {
        let group = TaskGroup::new(Wait::None).grace(Duration::from_millis(50));
        let outcome = group
            .scope(async |g| {
                g.spawn(async {
                    shield(sleep(Duration::from_secs(60))).await?;
                    bibelot::Ok(1)
                })?;
                g.spawn(async {
                    ms(1000).await.ok();
                    after(10, 2).await
                })?;
                yield_now().await?;
                bibelot::Ok(())
            })
            .await?;
        assert_eq!(now(), 50);
        let results: Vec<_> = outcome.into_iter().map(|member| member.result).collect();
        assert!(matches!(results[0], Err(MemberError::Aborted)));
        assert!(matches!(results[1], Ok(2)));
        Ok(())
    });
}

#[test]
fn the_remaining_members_are_cancelled_on_request_and_daemons_spared() {
    run(async {
        let outcome = task_group(Wait::All, async |g| {
            g.spawn_daemon(sleep(Duration::from_secs(60)))?;
            for _ in 0..3 {
                g.spawn(async {
                    ms(1000).await.ok();
                    after(10, ()).await
                })?;
            }
            yield_now().await?;
            g.cancel_remaining().await?;
            assert_eq!((g.running(), now()), (0, 10));
            g.spawn(after(5, ()))?;
            bibelot::Ok(())
        })
        .await?;
        assert_eq!((now(), outcome.len()), (15, 4));
        Ok(())
    });
}
