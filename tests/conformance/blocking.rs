//! What blocks by its nature: jobs and names.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc;

use bibelot_reactor::{Completion, Job, Op, Outcome, Token};

use crate::backends::everywhere;
use crate::world::World;

fn value<T: 'static>(end: Completion) -> T {
    match end.result {
        Ok(Outcome::Finished(Ok(value))) => *value.downcast().expect("the type of the job"),
        other => panic!("expected a value, came {other:?}"),
    }
}

#[test]
fn a_job_gives_its_value() {
    everywhere(|world| {
        let end = world.run(Op::Job(Job::new(|| 6 * 7)));
        assert_eq!(value::<i32>(end), 42);
    });
}

#[test]
fn a_job_that_panics_gives_its_payload() {
    everywhere(|world| {
        let end = world.run(Op::Job(Job::new(|| -> i32 {
            std::panic::resume_unwind(Box::new("on purpose"))
        })));
        match end.result {
            Ok(Outcome::Finished(Err(payload))) => {
                assert_eq!(*payload.downcast::<&str>().unwrap(), "on purpose");
            }
            other => panic!("expected a panic, came {other:?}"),
        }
        let end = world.run(Op::Job(Job::new(|| "still works")));
        assert_eq!(value::<&str>(end), "still works");
    });
}

#[test]
fn many_jobs_all_end() {
    everywhere(|world| {
        let jobs: Vec<Token> = (0..200_u32)
            .map(|at| world.submit(Op::Job(Job::new(move || at))))
            .collect();
        for (at, job) in (0..).zip(jobs) {
            assert_eq!(value::<u32>(world.next(job)), at);
        }
    });
}

#[test]
fn a_cancelled_job_ends_once_and_lets_go_of_what_it_held() {
    everywhere(|world| {
        let held = Arc::new(());
        let (go, gone) = mpsc::channel::<()>();
        // Keeps a worker busy where there are workers; a simulated world runs it when it likes.
        let is_real = world.backend.is_real();
        let first = world.submit(Op::Job(Job::new(move || {
            if is_real {
                let _ = gone.recv();
            }
        })));
        let jobs: Vec<Token> = (0..50)
            .map(|_| {
                let held = held.clone();
                world.submit(Op::Job(Job::new(move || drop(held))))
            })
            .collect();
        for job in &jobs {
            world.cancel(*job);
        }
        go.send(()).ok();
        for job in jobs {
            let end = world.next(job);
            let finished = matches!(end.result, Ok(Outcome::Finished(Ok(_))));
            assert!(finished || end.is_cancelled(), "{end:?}");
        }
        world.next(first);
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

fn resolve(world: &mut World, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
    let host = host.to_owned();
    match world.run(Op::Resolve { host, port }).result? {
        Outcome::Resolved(found) => Ok(found),
        other => panic!("expected addresses, came {other:?}"),
    }
}

#[test]
fn numeric_hosts_are_their_own_addresses() {
    everywhere(|world| {
        for host in ["127.0.0.1", "::1", "192.0.2.7"] {
            let found = resolve(world, host, 80).unwrap();
            let expected = SocketAddr::new(host.parse::<IpAddr>().unwrap(), 80);
            assert_eq!(found, [expected]);
        }
    });
}

#[test]
fn localhost_is_this_host() {
    everywhere(|world| {
        let found = resolve(world, "localhost", 8080).unwrap();
        assert!(!found.is_empty());
        for address in found {
            assert!(
                address.ip().is_loopback() && address.port() == 8080,
                "{address}"
            );
        }
    });
}

#[test]
fn what_cannot_be_a_name_is_an_error() {
    everywhere(|world| {
        assert!(resolve(world, "nul\0inside", 80).is_err());
    });
}
