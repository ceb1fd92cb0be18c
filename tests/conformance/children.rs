//! Child processes, where there are any: a simulated world says that it has none.

use std::io;
use std::os::unix::process::ExitStatusExt;

use bibelot_reactor::{Call, Child, Interest, Op, Outcome, Program};

use crate::backends::everywhere;
use crate::world::World;

fn shell(script: &str) -> Op {
    Op::Spawn(Program {
        path: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        has_link: true,
        ..Program::default()
    })
}

/// A child, or `None` in a world without processes.
fn start(world: &mut World, script: &str) -> Option<Child> {
    let end = world.run(shell(script));
    match end.result {
        Ok(Outcome::Spawned(child)) => Some(child),
        Err(error) if !world.backend.is_real() => {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            None
        }
        other => panic!("no child: {other:?}"),
    }
}

#[test]
fn a_child_is_waited_for_by_its_descriptor() {
    everywhere(|world| {
        let Some(child) = start(world, "read -r line; exit 3") else {
            return;
        };
        let process = child.process.clone();
        let running = world.call(Call::ChildStatus { process }).unwrap();
        assert_eq!(running.into_status().unwrap(), None);
        let waits = world.submit(Op::Ready {
            fd: child.process.clone(),
            interest: Interest::Readable,
        });
        drop(child.link);
        assert!(matches!(world.next(waits).result, Ok(Outcome::Done)));
        let process = child.process.clone();
        let ended = world.call(Call::ChildStatus { process }).unwrap();
        assert_eq!(ended.into_status().unwrap().unwrap().code(), Some(3));
    });
}

#[test]
fn a_signal_reaches_a_child_that_was_started_by_a_worker() {
    everywhere(|world| {
        let Some(child) = start(world, "read -r line") else {
            return;
        };
        let process = child.process.clone();
        world
            .call(Call::SignalChild {
                process,
                number: 15,
            })
            .unwrap();
        let fd = child.process.clone();
        world.run(Op::Ready {
            fd,
            interest: Interest::Readable,
        });
        let process = child.process.clone();
        let ended = world.call(Call::ChildStatus { process }).unwrap();
        assert_eq!(ended.into_status().unwrap().unwrap().signal(), Some(15));
    });
}

#[test]
fn a_child_that_nobody_waits_for_any_more_goes_with_the_reactor() {
    everywhere(|world| {
        let Some(child) = start(world, "read -r line") else {
            return;
        };
        let id = child.id;
        let token = world.submit(Op::Ready {
            fd: child.process,
            interest: Interest::Readable,
        });
        // The orphan holds the last name of the child.
        world.end();
        assert!(!world.has(token));
        while std::fs::exists(format!("/proc/{id}")).unwrap() {
            std::thread::yield_now();
        }
    });
}

#[test]
fn a_start_that_is_cut_leaves_no_child() {
    everywhere(|world| {
        if !world.backend.is_real() {
            return;
        }
        let token = world.submit(shell("read -r line"));
        world.cancel(token);
        match world.next(token).result {
            Ok(Outcome::Spawned(child)) => {
                let id = child.id;
                drop(child);
                while std::fs::exists(format!("/proc/{id}")).unwrap() {
                    std::thread::yield_now();
                }
            }
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ECANCELED)),
            other => panic!("neither a child nor none: {other:?}"),
        }
    });
}
