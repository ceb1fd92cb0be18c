//! Reactors that break one promise each, and are found out.

use std::fmt;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

use bibelot_reactor::{
    Buf, Call, Completion, Fd, Job, Lawful, ListenHow, Op, Outcome, Reactor, Reply, Token,
    cancelled, unsupported,
};

type Submit = Box<dyn FnMut(&mut Vec<Completion>, Token, Op) -> Option<Completion>>;

/// A reactor that does as it is told: `submit` may answer or queue ends for the next poll.
struct Told {
    submit: Submit,
    queued: Vec<Completion>,
    /// How long a poll takes that has nothing to give; a wait that nothing can end early.
    poll_takes: Duration,
    cancel_takes: Duration,
}

impl Reactor for Told {
    fn name(&self) -> &'static str {
        "told"
    }

    fn submit(&mut self, token: Token, op: Op) -> Option<Completion> {
        (self.submit)(&mut self.queued, token, op)
    }

    fn cancel(&mut self, _token: Token) {
        thread::sleep(self.cancel_takes);
    }

    fn call(&mut self, call: Call) -> io::Result<Reply> {
        match call {
            Call::Listen { .. } => Ok(Reply::Done),
            call => Err(unsupported(call)),
        }
    }

    fn poll(&mut self, _timeout: Option<Duration>, ends: &mut Vec<Completion>) -> io::Result<()> {
        if self.queued.is_empty() {
            thread::sleep(self.poll_takes);
        }
        ends.append(&mut self.queued);
        Ok(())
    }

    fn unparker(&self) -> Waker {
        Waker::noop().clone()
    }
}

fn told(
    submit: impl FnMut(&mut Vec<Completion>, Token, Op) -> Option<Completion> + 'static,
) -> Told {
    Told {
        submit: Box::new(submit),
        queued: Vec::new(),
        poll_takes: Duration::ZERO,
        cancel_takes: Duration::ZERO,
    }
}

fn lawful(
    submit: impl FnMut(&mut Vec<Completion>, Token, Op) -> Option<Completion> + 'static,
) -> Lawful<Told> {
    Lawful::new(told(submit))
}

fn token(slot: u32) -> Token {
    Token::new(slot, 0)
}

fn done(token: Token, op: Op) -> Completion {
    Completion::end(token, Ok(Outcome::Done), op.into_buf())
}

fn socket() -> Fd {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    Fd::from(OwnedFd::from(caller))
}

fn send(socket: &Fd, data: &[u8]) -> Op {
    Op::Send {
        socket: socket.clone(),
        buf: Buf::from(data.to_vec()),
    }
}

fn look(reactor: &mut impl Reactor) -> Vec<Completion> {
    let mut ends = Vec::new();
    reactor.poll(Some(Duration::ZERO), &mut ends).unwrap();
    ends
}

/// What a body panics with.
fn verdict<T>(body: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => "nothing was found".to_owned(),
        Err(payload) => match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(_) => "some other panic".to_owned(),
        },
    }
}

#[track_caller]
fn assert_broken(verdict: &str, promise: impl fmt::Display, detail: &str) {
    let start = format!("reactor \"told\" broke promise {promise} ");
    assert!(verdict.starts_with(&start), "{verdict}");
    assert!(verdict.contains(detail), "{verdict}");
}

#[test]
fn a_lawful_reactor_is_left_alone() {
    let socket = socket();
    let mut reactor = lawful(|queued, token, op| match op {
        Op::Nop => Some(done(token, op)),
        op => {
            let count = op.buf().map_or(0, Buf::len);
            queued.push(Completion::end(
                token,
                Ok(Outcome::Count(count)),
                op.into_buf(),
            ));
            None
        }
    });
    assert!(reactor.submit(token(0), Op::Nop).is_some());
    for slot in 0..3 {
        assert!(reactor.submit(token(slot), send(&socket, b"abc")).is_none());
    }
    assert_eq!(reactor.in_flight(), 3);
    reactor.unparker().wake();
    assert_eq!(look(&mut reactor).len(), 3);
    assert_eq!(reactor.in_flight(), 0);
}

#[test]
fn promise_1_a_second_end_is_found() {
    let mut reactor = lawful(|queued, token, _| {
        queued.push(Completion::end(token, Ok(Outcome::Done), None));
        queued.push(Completion::end(token, Ok(Outcome::Done), None));
        None
    });
    reactor.submit(token(3), Op::Nop);
    let verdict = verdict(|| look(&mut reactor));
    assert_broken(&verdict, 1, "Token(3.0) is not in use");
}

#[test]
fn promise_1_an_end_at_once_that_comes_again_is_found() {
    let mut reactor = lawful(|queued, token, _| {
        queued.push(Completion::end(token, Ok(Outcome::Done), None));
        Some(Completion::end(token, Ok(Outcome::Done), None))
    });
    reactor.submit(token(3), Op::Nop);
    assert_broken(&verdict(|| look(&mut reactor)), 1, "Token(3.0)");
}

#[test]
fn promise_1_an_end_of_another_token_is_found() {
    let mut reactor = lawful(|_, _, op| Some(done(token(9), op)));
    let verdict = verdict(|| reactor.submit(token(3), Op::Nop));
    assert_broken(&verdict, 1, "answered with Token(9.0)");
}

#[test]
fn promise_1_more_of_what_is_no_flow_is_found() {
    let mut reactor = lawful(|_, token, _| Some(Completion::item(token, Outcome::Done, true)));
    let verdict = verdict(|| reactor.submit(token(3), Op::Nop));
    assert_broken(&verdict, 1, "more to come of what is no flow");
}

#[test]
fn promise_2_an_outcome_of_another_operation_is_found() {
    let mut reactor = lawful(|_, token, _| Some(Completion::item(token, Outcome::Paused, false)));
    let verdict = verdict(|| reactor.submit(token(3), Op::Nop));
    assert_broken(&verdict, 2, "the outcome is one of another operation");
}

#[test]
fn promise_2_an_empty_receive_is_found() {
    let mut reactor = lawful(|_, token, _| {
        let nothing = Outcome::Received(Buf::with_capacity(8));
        Some(Completion::item(token, nothing, false))
    });
    let verdict = verdict(|| reactor.submit(token(3), Op::Receive { socket: socket() }));
    assert_broken(&verdict, 2, "it received nothing");
}

#[test]
fn promise_2_a_cancel_that_nobody_asked_for_is_found() {
    let mut reactor = lawful(|_, token, op| Some(Completion::cancelled(token, op.into_buf())));
    assert_broken(
        &verdict(|| reactor.submit(token(3), Op::Nop)),
        2,
        "nobody asked",
    );
}

#[test]
fn promise_2_a_flow_that_fails_when_cancelled_is_found() {
    let mut reactor = lawful(|queued, token, _| {
        queued.push(Completion::end(token, Err(cancelled()), None));
        None
    });
    let socket = socket();
    reactor.submit(
        token(3),
        Op::Receive {
            socket: socket.clone(),
        },
    );
    reactor.cancel(token(3));
    assert_broken(
        &verdict(|| look(&mut reactor)),
        2,
        "a cancelled flow ends as paused",
    );
}

#[test]
fn promise_2_an_answer_to_another_call_is_found() {
    let mut reactor = lawful(|_, token, op| Some(done(token, op)));
    let address = "127.0.0.1:0".parse().unwrap();
    let how = ListenHow::default();
    let verdict = verdict(|| reactor.call(Call::Listen { address, how }));
    assert_broken(&verdict, 2, "answered with Done");
}

#[test]
fn promise_3_a_lost_buffer_is_found() {
    let socket = socket();
    let mut reactor =
        lawful(|_, token, _| Some(Completion::end(token, Ok(Outcome::Count(3)), None)));
    let verdict = verdict(|| reactor.submit(token(3), send(&socket, b"abc")));
    assert_broken(&verdict, 3, "its buffer did not come back");
}

#[test]
fn promise_3_a_swapped_buffer_is_found() {
    let socket = socket();
    let mut reactor = lawful(|_, token, _| {
        let copy = Buf::from(b"abc".to_vec());
        Some(Completion::end(token, Ok(Outcome::Count(3)), Some(copy)))
    });
    let verdict = verdict(|| reactor.submit(token(3), send(&socket, b"abc")));
    assert_broken(&verdict, 3, "another buffer came back");
}

#[test]
fn promise_3_a_count_beyond_the_buffer_is_found() {
    let socket = socket();
    let mut reactor = lawful(|_, token, op: Op| {
        Some(Completion::end(token, Ok(Outcome::Count(4)), op.into_buf()))
    });
    let verdict = verdict(|| reactor.submit(token(3), send(&socket, b"abc")));
    assert_broken(&verdict, 3, "more bytes than there were");
}

#[test]
fn promise_3_a_buffer_that_was_not_extended_is_found() {
    let socket = socket();
    let mut reactor = lawful(|_, token, op: Op| {
        Some(Completion::end(token, Ok(Outcome::Count(4)), op.into_buf()))
    });
    let op = Op::ReceiveInto {
        socket: socket.clone(),
        buf: Buf::with_capacity(8),
    };
    let verdict = verdict(|| reactor.submit(token(3), op));
    assert_broken(&verdict, 3, "does not hold what its count says");
}

#[test]
fn promise_3_a_descriptor_let_go_of_too_early_is_found() {
    let mut reactor = lawful(|_, _, op| {
        drop(op);
        None
    });
    let verdict = verdict(|| reactor.submit(token(3), Op::Receive { socket: socket() }));
    assert_broken(&verdict, 3, "let go of before its end");
}

#[test]
fn promise_3_a_descriptor_kept_after_the_end_is_found() {
    let kept: Arc<Mutex<Vec<Fd>>> = Arc::default();
    let keeper = kept.clone();
    let mut reactor = lawful(move |_, token, op: Op| {
        keeper.lock().unwrap().extend(op.fd().cloned());
        Some(Completion::item(token, Outcome::EndOfStream, false))
    });
    reactor.submit(token(3), Op::Receive { socket: socket() });
    let verdict = verdict(|| look(&mut reactor));
    assert_broken(&verdict, 3, "is still held");
}

#[test]
fn promise_4_a_submit_that_blocks_is_found() {
    let slow = told(|_, token, op| {
        thread::sleep(Duration::from_millis(200));
        Some(done(token, op))
    });
    let mut reactor = Lawful::new(slow).patience(Duration::from_millis(20));
    let verdict = verdict(|| reactor.submit(token(3), Op::Nop));
    assert_broken(&verdict, 4, "submit of Token(3.0) Nop took");
}

#[test]
fn promise_4_a_cancel_that_blocks_is_found() {
    let mut slow = told(|_, token, op| Some(done(token, op)));
    slow.cancel_takes = Duration::from_millis(200);
    let mut reactor = Lawful::new(slow).patience(Duration::from_millis(20));
    let verdict = verdict(|| reactor.cancel(token(3)));
    assert_broken(&verdict, 4, "cancel of Token(3.0) took");
}

#[test]
fn promise_4_a_poll_that_waits_though_it_must_not_is_found() {
    let mut slow = told(|_, token, op| Some(done(token, op)));
    slow.poll_takes = Duration::from_millis(200);
    let mut reactor = Lawful::new(slow).patience(Duration::from_millis(20));
    assert_broken(
        &verdict(|| look(&mut reactor)),
        4,
        "a poll that was given 0ns took",
    );
}

#[test]
fn promise_5_a_wake_lost_before_a_poll_is_found() {
    let mut deaf = told(|_, token, op| Some(done(token, op)));
    deaf.poll_takes = Duration::from_millis(50);
    let mut reactor = Lawful::new(deaf).patience(Duration::from_millis(40));
    reactor.unparker().wake();
    let verdict = verdict(|| reactor.poll(None, &mut Vec::new()));
    assert_broken(&verdict, 5, "a poll after a wake waited");
}

#[test]
fn promise_5_a_wake_lost_during_a_poll_is_found() {
    let mut deaf = told(|_, token, op| Some(done(token, op)));
    deaf.poll_takes = Duration::from_millis(1500);
    let mut reactor = Lawful::new(deaf)
        .patience(Duration::from_millis(700))
        .slices(Duration::from_millis(1500));
    let waker = reactor.unparker();
    let waking = thread::spawn(move || {
        thread::sleep(Duration::from_millis(10));
        waker.wake();
    });
    let verdict = verdict(|| reactor.poll(None, &mut Vec::new()));
    waking.join().unwrap();
    assert_broken(&verdict, 5, "has not ended the poll under way");
}

#[test]
fn promise_6_a_send_that_is_overtaken_is_found() {
    let socket = socket();
    let mut first = None;
    let mut reactor = lawful(move |queued, token, op: Op| {
        let end = Completion::end(token, Ok(Outcome::Count(3)), op.into_buf());
        match first.take() {
            None => first = Some(end),
            Some(first) => queued.extend([end, first]),
        }
        None
    });
    reactor.submit(token(3), send(&socket, b"abc"));
    reactor.submit(token(4), send(&socket, b"def"));
    let verdict = verdict(|| look(&mut reactor));
    assert_broken(&verdict, 6, "Token(3.0) Send was overtaken");
}

#[test]
fn promise_7_a_flow_that_spins_is_found() {
    let socket = socket();
    let mut reactor = lawful(|_, token, _| Some(Completion::item(token, Outcome::Paused, false)));
    let verdict = verdict(|| {
        for _ in 0..1_000 {
            reactor.submit(
                token(3),
                Op::Receive {
                    socket: socket.clone(),
                },
            );
        }
    });
    assert_broken(&verdict, 7, "Token(3.0) Receive paused");
}

#[test]
fn promise_8_a_drop_that_leaks_is_found() {
    let mut reactor = lawful(|_, _, op| {
        std::mem::forget(op);
        None
    });
    reactor.submit(token(3), Op::Receive { socket: socket() });
    let verdict = verdict(move || drop(reactor));
    assert_broken(&verdict, 8, "Token(3.0) Receive");
}

#[test]
fn a_token_in_use_is_the_callers_fault() {
    let mut reactor = lawful(|_, _, _| None);
    let job = || Op::Job(Job::new(|| ()));
    reactor.submit(token(3), job());
    let again = verdict(|| reactor.submit(token(3), job()));
    assert!(
        again.contains("was misused: Token(3.0) Job submitted while"),
        "{again}"
    );
    let reserved = verdict(|| reactor.submit(token(Token::RESERVED), Op::Nop));
    assert!(reserved.contains("was misused"), "{reserved}");
}

/// A reactor that parks its thread, and is woken as it should.
struct Parked(Arc<Parker>);

struct Parker {
    thread: thread::Thread,
    told: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.told.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Reactor for Parked {
    fn name(&self) -> &'static str {
        "parked"
    }

    fn submit(&mut self, token: Token, op: Op) -> Option<Completion> {
        Some(done(token, op))
    }

    fn cancel(&mut self, _token: Token) {}

    fn call(&mut self, call: Call) -> io::Result<Reply> {
        Err(unsupported(call))
    }

    fn poll(&mut self, timeout: Option<Duration>, _: &mut Vec<Completion>) -> io::Result<()> {
        if !self.0.told.swap(false, Ordering::Acquire) {
            thread::park_timeout(timeout.unwrap_or(Duration::MAX));
            self.0.told.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    fn unparker(&self) -> Waker {
        Waker::from(self.0.clone())
    }
}

#[test]
fn wakes_that_are_heard_are_no_offence() {
    let parker = Arc::new(Parker {
        thread: thread::current(),
        told: AtomicBool::new(false),
    });
    let mut reactor = Lawful::new(Parked(parker)).slices(Duration::from_millis(1));
    let waker = reactor.unparker();
    let waking = thread::spawn(move || {
        for _ in 0..100 {
            waker.wake_by_ref();
            thread::yield_now();
        }
    });
    for _ in 0..100 {
        reactor
            .poll(Some(Duration::from_millis(3)), &mut Vec::new())
            .unwrap();
    }
    waking.join().unwrap();
    reactor.unparker().wake();
    reactor.poll(None, &mut Vec::new()).unwrap();
}
