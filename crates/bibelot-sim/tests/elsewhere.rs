//! What the disk, the resolver and the workers do.

mod drive;

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bibelot_reactor::{Buf, Completion, Fd, Job, Op, OpenHow, Outcome, Reactor};
use bibelot_sim::Sim;
use bibelot_timer::{Clock, Instant};
use drive::{Drive, count, kind};

fn open(drive: &mut Drive, path: &str, how: OpenHow) -> Completion {
    drive.run(Op::Open {
        path: path.into(),
        how,
    })
}

fn opened(end: Completion) -> Fd {
    match end.result {
        Ok(Outcome::Opened(file)) => file,
        other => panic!("{other:?}"),
    }
}

fn all() -> OpenHow {
    OpenHow {
        read: true,
        write: true,
        create: true,
        ..OpenHow::default()
    }
}

fn read_all(drive: &mut Drive, file: &Fd) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let end = drive.run(Op::ReadAt {
            file: file.clone(),
            buf: Buf::with_capacity(64),
            offset: all.len() as u64,
        });
        if count(&end) == 0 {
            return all;
        }
        all.extend_from_slice(&end.buf.unwrap());
    }
}

#[test]
fn what_is_written_is_read() {
    for seed in 0..50 {
        let mut drive = Drive::new(Sim::new(seed).file("/etc/motd", "cheese"));
        let motd = open(&mut drive, "/etc/motd", all());
        let motd = opened(motd);
        assert_eq!(read_all(&mut drive, &motd), b"cheese");
        let file = open(&mut drive, "/new", all());
        let file = opened(file);
        let data: Vec<u8> = (0..100).collect();
        let mut done = 0;
        while done < data.len() {
            let end = drive.run(Op::WriteAt {
                file: file.clone(),
                buf: Buf::from(data[done..].to_vec()),
                offset: done as u64,
            });
            done += count(&end);
        }
        let sync = Op::Sync {
            file: file.clone(),
            data_only: true,
        };
        assert!(drive.run(sync).result.is_ok());
        assert_eq!(read_all(&mut drive, &file), data);
        assert!(drive.clock.now() > Instant::ZERO);
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_its_kind() {
    let mut drive = Drive::new(Sim::calm());
    let how = OpenHow {
        read: true,
        ..OpenHow::default()
    };
    let end = open(&mut drive, "/nowhere", how);
    assert_eq!(kind(&end), ErrorKind::NotFound);
}

#[test]
fn a_cancelled_write_was_never_begun_or_is_whole() {
    let mut cancelled = 0;
    for seed in 0..100 {
        let mut drive = Drive::new(Sim::new(seed).split(false));
        let file = open(&mut drive, "/f", all());
        let file = opened(file);
        let token = drive.submit(Op::WriteAt {
            file: file.clone(),
            buf: Buf::from(b"whole".to_vec()),
            offset: 0,
        });
        drive.reactor.cancel(token);
        drive.reactor.cancel(token);
        let end = drive.wait(token);
        let expected: &[u8] = if end.is_cancelled() { b"" } else { b"whole" };
        cancelled += usize::from(end.is_cancelled());
        assert_eq!(&*end.buf.unwrap(), b"whole");
        assert_eq!(read_all(&mut drive, &file), expected);
    }
    assert!((1..100).contains(&cancelled), "{cancelled} of 100");
}

#[test]
fn a_job_runs_later_and_its_panic_is_its_result() {
    let mut drive = Drive::new(Sim::calm());
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = ran.clone();
    let token = drive.submit(Op::Job(Job::new(move || {
        counter.fetch_add(1, Ordering::Relaxed)
    })));
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    match drive.wait(token).result {
        Ok(Outcome::Finished(Ok(value))) => assert_eq!(*value.downcast::<usize>().unwrap(), 0),
        other => panic!("{other:?}"),
    }
    assert_eq!(ran.load(Ordering::Relaxed), 1);
    let end = drive.run(Op::Job(Job::new(|| -> () { std::panic::panic_any(7_u8) })));
    match end.result {
        Ok(Outcome::Finished(Err(payload))) => assert_eq!(payload.downcast_ref(), Some(&7_u8)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cancelled_job_runs_once_or_never() {
    let mut cancelled = 0;
    for seed in 0..100 {
        let mut drive = Drive::new(Sim::new(seed));
        let ran = Arc::new(AtomicUsize::new(0));
        let counter = ran.clone();
        let token = drive.submit(Op::Job(Job::new(move || {
            counter.fetch_add(1, Ordering::Relaxed)
        })));
        drive.reactor.cancel(token);
        let end = drive.wait(token);
        drive.pass(Duration::from_secs(1));
        cancelled += usize::from(end.is_cancelled());
        let expected = usize::from(!end.is_cancelled());
        assert_eq!(ran.load(Ordering::Relaxed), expected);
        assert_eq!(Arc::strong_count(&ran), 1);
    }
    assert!((1..100).contains(&cancelled), "{cancelled} of 100");
}

#[test]
fn hosts_are_found_by_number_and_by_name() {
    let sim = Sim::new(4).name("cheese.example", ["10.0.0.7".parse().unwrap()]);
    let mut drive = Drive::new(sim);
    let resolve = |host: &str| Op::Resolve {
        host: host.into(),
        port: 80,
    };
    for (host, expected) in [
        ("::1", "[::1]:80"),
        ("localhost", "127.0.0.1:80"),
        ("cheese.example", "10.0.0.7:80"),
    ] {
        match drive.run(resolve(host)).result {
            Ok(Outcome::Resolved(found)) => assert_eq!(found, [expected.parse().unwrap()]),
            other => panic!("{other:?}"),
        }
    }
    assert!(drive.run(resolve("nobody.example")).result.is_err());
}

#[test]
fn dropping_the_world_frees_what_its_operations_own() {
    let mut drive = Drive::new(Sim::new(5));
    let owned = Arc::new(());
    for _ in 0..100 {
        let owned = owned.clone();
        drive.submit(Op::Job(Job::new(move || drop(owned))));
    }
    drop(drive);
    assert_eq!(Arc::strong_count(&owned), 1);
}
