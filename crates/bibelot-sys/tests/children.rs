//! Child processes, through the contract alone, as a reactor does it.

#![allow(unsafe_code, reason = "a thread's signal mask has no safe form")]

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use bibelot_reactor::{Buf, Call, Child, Fd, Interest, Op, Outcome, Program};
use bibelot_sys::{Attempt, attempt, call, perform, take_link};

fn shell(script: &str) -> Program {
    Program {
        path: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        has_link: true,
        ..Program::default()
    }
}

fn start(program: Program) -> io::Result<Child> {
    let Attempt::Blocking(op) = attempt(Op::Spawn(program)) else {
        panic!("starting a process takes time");
    };
    match perform(op) {
        (Ok(Outcome::Spawned(child)), None) => Ok(child),
        (Err(error), None) => Err(error),
        other => panic!("no child: {other:?}"),
    }
}

/// Tries `op` until it does not wait any more.
fn done(mut op: Op) -> (io::Result<Outcome>, Option<Buf>) {
    loop {
        match attempt(op) {
            Attempt::Ended(result, buf) => return (result, buf),
            Attempt::WouldBlock(again) => op = again,
            Attempt::Blocking(op) => panic!("it does not block: {op:?}"),
        }
        std::thread::yield_now();
    }
}

fn status(process: &Fd) -> Option<ExitStatus> {
    let process = process.clone();
    let reply = call(Call::ChildStatus { process }).unwrap();
    reply.into_status().unwrap()
}

fn wait(process: &Fd) -> ExitStatus {
    let (result, _) = done(Op::Ready {
        fd: process.clone(),
        interest: Interest::Readable,
    });
    assert!(matches!(result, Ok(Outcome::Done)), "{result:?}");
    status(process).expect("it has ended")
}

fn exists(id: u32) -> bool {
    fs::exists(format!("/proc/{id}")).unwrap()
}

#[test]
fn a_child_says_how_it_ended_as_often_as_it_is_asked() {
    let child = start(shell("exit 7")).unwrap();
    assert_eq!(wait(&child.process).code(), Some(7));
    assert!(!exists(child.id), "it was reaped");
    assert_eq!(status(&child.process).unwrap().code(), Some(7));
    // A signal for one that has ended reaches nobody.
    let process = child.process.clone();
    call(Call::SignalChild { process, number: 9 }).unwrap();
}

#[test]
fn a_child_hears_signals_although_the_thread_that_started_it_does_not() {
    let program = shell("read -r line; exit 1");
    let thread = std::thread::spawn(move || {
        block_signals();
        start(program).unwrap()
    });
    let child = thread.join().unwrap();
    assert_eq!(status(&child.process), None);
    let process = child.process.clone();
    let number = libc::SIGTERM;
    call(Call::SignalChild { process, number }).unwrap();
    assert_eq!(wait(&child.process).signal(), Some(libc::SIGTERM));
}

/// Keeps signals from this thread, as the threads of a pool do.
fn block_signals() {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises the set it is given.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    // SAFETY: the set is initialised; the old mask is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) };
}

#[test]
fn bytes_go_both_ways_over_the_link() {
    let child = start(shell("exec cat >&0")).unwrap();
    let link = child.link.unwrap();
    let socket = link.clone();
    let buf = Buf::from(b"there and back".to_vec());
    let (sent, _) = done(Op::Send { socket, buf });
    assert!(matches!(sent, Ok(Outcome::Count(14))), "{sent:?}");
    let socket = link.clone();
    let (_, back) = done(Op::ReceiveInto {
        socket,
        buf: Buf::with_capacity(64),
    });
    assert_eq!(&*back.unwrap(), b"there and back");
    drop(link);
    assert!(wait(&child.process).success(), "its input has ended");
}

#[test]
fn a_child_whose_descriptor_is_let_go_of_is_killed_and_reaped() {
    let child = start(shell("trap '' TERM; exec sleep 1000")).unwrap();
    let id = child.id;
    assert!(exists(id));
    drop(child);
    while exists(id) {
        std::thread::yield_now();
    }
}

#[test]
fn a_child_that_ended_unasked_is_reaped_when_its_descriptor_goes() {
    let child = start(shell("exit 0")).unwrap();
    let (result, _) = done(Op::Ready {
        fd: child.process.clone(),
        interest: Interest::Readable,
    });
    assert!(result.is_ok());
    assert!(exists(child.id), "nobody has taken its status");
    let id = child.id;
    drop(child);
    assert!(!exists(id));
}

#[test]
fn a_program_that_is_not_there_is_an_error_and_leaves_nothing() {
    let program = Program {
        path: "/nowhere/to/be/found".into(),
        has_link: true,
        ..Program::default()
    };
    let error = start(program).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_name_and_variables_reach_the_child() {
    let program = Program {
        name: Some("somebody".into()),
        variables: vec![("BIBELOT_TEST_CHILD".into(), "told".into())],
        ..shell("test \"$0\" = somebody -a \"$BIBELOT_TEST_CHILD\" = told")
    };
    let child = start(program).unwrap();
    assert!(wait(&child.process).success());
}

#[test]
fn what_is_no_child_has_no_status_and_what_is_no_signal_is_not_sent() {
    let child = start(shell("read -r line")).unwrap();
    let process = child.link.clone().unwrap();
    let error = call(Call::ChildStatus { process }).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let process = child.process.clone();
    let error = call(Call::SignalChild {
        process,
        number: 999,
    })
    .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_process_without_a_link_has_none_to_take() {
    // Whatever the standard input of this test is, it is no socket of a parent.
    let error = take_link().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}
