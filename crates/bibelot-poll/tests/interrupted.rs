//! Interruptions: a signal ends a wait early, and nothing else.

use std::process::{self, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bibelot_poll::{Poll, PollConfig};
use bibelot_reactor::{Call, ListenHow, Op, Reactor, Token};

/// Stops this process and lets it go on, which interrupts the system calls of all its threads.
fn interrupt() {
    let pid = process::id().to_string();
    let script = "kill -STOP \"$1\"; kill -CONT \"$1\"";
    let status = Command::new("sh").args(["-c", script, "sh", &pid]).status();
    assert!(status.unwrap().success());
}

#[test]
fn an_interrupted_wait_is_no_error_and_loses_nothing() {
    let mut poll = Poll::new(PollConfig::default()).unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let how = ListenHow::default();
    let listener = poll
        .call(Call::Listen { address, how })
        .unwrap()
        .into_fd()
        .unwrap();
    let socket = listener.clone();
    let address = poll
        .call(Call::LocalAddress { socket })
        .unwrap()
        .into_address()
        .unwrap();
    let accept = Op::Accept {
        listener,
        many: true,
    };
    assert!(poll.submit(Token::new(0, 0), accept).is_none());
    let mut ends = Vec::new();
    for timeout in [
        None,
        Some(Duration::from_secs(20)),
        Some(Duration::from_nanos(20_000_500_000)),
    ] {
        let (unparker, done) = (poll.unparker(), Arc::new(AtomicBool::new(false)));
        let is_done = done.clone();
        let interrupting = thread::spawn(move || {
            for _ in 0..5 {
                interrupt();
            }
            is_done.store(true, Ordering::Release);
            unparker.wake();
        });
        while !done.load(Ordering::Acquire) {
            poll.poll(timeout, &mut ends).unwrap();
        }
        interrupting.join().unwrap();
    }
    assert!(ends.is_empty());
    let _caller = std::net::TcpStream::connect(address).unwrap();
    while ends.is_empty() {
        poll.poll(None, &mut ends).unwrap();
    }
    assert!(ends[0].result.is_ok());
}
