//! The worker pool: what it performs, takes back, refuses and leaves behind.

use std::sync::{Arc, Mutex, mpsc};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

use bibelot_reactor::{Buf, Completion, Job, Op, OpenHow, Outcome, Token};
use bibelot_sys::{NoThread, Pool, PoolLimits, perform};

fn token(slot: u32) -> Token {
    Token::new(slot, 0)
}

fn pool(threads_max: usize) -> Pool {
    let limits = PoolLimits {
        threads_max,
        ..PoolLimits::default()
    };
    Pool::new(limits, Waker::noop().clone())
}

fn job<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Op {
    Op::Job(Job::new(body))
}

/// Waits for so many ends: all that are under way, since those that come along would be lost.
fn collect(pool: &mut Pool, count: usize) -> Vec<Completion> {
    let mut ends = Vec::new();
    while ends.len() < count {
        pool.collect(&mut ends);
        thread::yield_now();
    }
    assert_eq!(ends.len(), count, "more came than was asked for");
    ends
}

fn value<T: 'static>(end: Completion) -> T {
    match end.result {
        Ok(Outcome::Finished(Ok(value))) => *value.downcast().unwrap(),
        other => panic!("not a value: {other:?}"),
    }
}

#[test]
fn a_panicking_job_is_a_result_and_spares_its_thread() {
    let mut pool = pool(1);
    pool.submit(token(1), job(|| panic!("on purpose")));
    pool.submit(token(2), job(|| 3));
    let mut ends = collect(&mut pool, 2);
    let after = ends.pop().unwrap();
    match ends.pop().unwrap().result {
        Ok(Outcome::Finished(Err(payload))) => {
            assert_eq!(*payload.downcast::<&str>().unwrap(), "on purpose");
        }
        other => panic!("not a panic: {other:?}"),
    }
    assert_eq!(value::<i32>(after), 3);
}

#[test]
fn jobs_of_one_thread_run_in_order() {
    let mut pool = pool(1);
    let (log, order) = mpsc::channel();
    for slot in 0..100 {
        let log = log.clone();
        pool.submit(token(slot), job(move || log.send(slot).unwrap()));
    }
    assert_eq!(collect(&mut pool, 100).len(), 100);
    drop(log);
    assert!(order.iter().eq(0..100));
}

#[test]
fn what_has_not_begun_is_taken_back_with_its_buffer_and_what_has_runs_on() {
    let mut pool = pool(1);
    let (open, gate) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let running = job(move || {
        begun.send(()).unwrap();
        gate.recv().unwrap();
        1
    });
    pool.submit(token(1), running);
    begins.recv().unwrap();
    let open_null = Op::Open {
        path: "/dev/null".into(),
        how: OpenHow {
            write: true,
            ..OpenHow::default()
        },
    };
    let file = match perform(open_null) {
        (Ok(Outcome::Opened(file)), None) => file,
        other => panic!("not opened: {other:?}"),
    };
    for slot in 2..10 {
        let file = file.clone();
        let buf = Buf::from(b"never written".to_vec());
        pool.submit(
            token(slot),
            Op::WriteAt {
                file,
                buf,
                offset: 0,
            },
        );
    }
    for slot in 2..10 {
        pool.cancel(token(slot));
    }
    // The last one: its place is free from then on.
    pool.cancel(token(1));
    pool.cancel(token(99));
    let ends = collect(&mut pool, 8);
    for (end, slot) in ends.into_iter().zip(2..) {
        assert_eq!(end.token, token(slot));
        assert!(end.is_cancelled());
        assert_eq!(end.buf.as_deref(), Some(&b"never written"[..]));
    }
    assert_eq!(file.holders(), 1);
    open.send(()).unwrap();
    assert_eq!(value::<i32>(collect(&mut pool, 1).remove(0)), 1);
    assert!(pool.is_idle());
}

#[test]
fn a_storm_of_cancels_behind_a_stuck_thread_ends_every_token_once() {
    let mut pool = pool(1);
    let (open, gate) = mpsc::channel::<()>();
    pool.submit(token(0), job(move || gate.recv().unwrap()));
    let mut ends = Vec::new();
    for slot in 1..1000 {
        pool.submit(token(slot), job(|| ()));
        pool.cancel(token(slot));
        pool.collect(&mut ends);
    }
    assert_eq!(ends.len(), 999);
    assert!(ends.iter().all(Completion::is_cancelled));
    assert!(
        format!("{pool:?}").contains("in_flight: 1"),
        "only the stuck one is left: {pool:?}"
    );
    open.send(()).unwrap();
    collect(&mut pool, 1);
}

/// A waker that leaves a message and holds its worker until that has been answered.
struct Told {
    told: mpsc::Sender<()>,
    answer: Mutex<mpsc::Receiver<()>>,
}

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        // Nobody listens or answers any more when the test is over.
        let _ = self.told.send(());
        let _ = self.answer.lock().unwrap().recv();
    }
}

#[test]
fn a_job_that_waits_behind_one_that_was_taken_back_comes_to_its_turn() {
    let ((told, tells), (answers, answer)) = (mpsc::channel(), mpsc::channel());
    let answer = Mutex::new(answer);
    let limits = PoolLimits {
        threads_max: 1,
        ..PoolLimits::default()
    };
    let mut pool = Pool::new(limits, Waker::from(Arc::new(Told { told, answer })));
    let (open, gate) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let running = job(move || {
        begun.send(()).unwrap();
        gate.recv().unwrap();
    });
    pool.submit(token(0), running);
    begins.recv().unwrap();
    // One fits into the channel, where it is taken back; the other waits on this side.
    pool.submit(token(1), job(|| ()));
    pool.submit(token(2), job(|| ()));
    pool.cancel(token(1));
    open.send(()).unwrap();
    let mut ends = Vec::new();
    while ends.len() < 3 {
        let wake = tells.recv_timeout(Duration::from_secs(20));
        assert!(wake.is_ok(), "no wake after {ends:?}");
        if pool.has_ends() {
            pool.collect(&mut ends);
        }
        answers.send(()).unwrap();
    }
    drop(answers);
}

#[test]
fn a_closed_pool_says_that_nothing_can_be_had() {
    let mut pool = pool(1);
    pool.close();
    let file = match perform(Op::Open {
        path: "/dev/null".into(),
        how: OpenHow {
            read: true,
            ..OpenHow::default()
        },
    }) {
        (Ok(Outcome::Opened(file)), None) => file,
        other => panic!("not opened: {other:?}"),
    };
    let buf = Buf::with_capacity(8);
    let read = Op::ReadAt {
        file,
        buf,
        offset: 0,
    };
    let end = pool.submit(token(0), read).unwrap();
    assert_eq!(end.buf.map(|buf| buf.spare_len()), Some(8));
    let error = end.result.unwrap_err();
    assert!(error.get_ref().is_some_and(|inner| !inner.is::<NoThread>()));
}

#[test]
fn what_wants_a_thread_of_its_own_takes_none_of_the_pools() {
    let mut pool = pool(1);
    let mut gates = Vec::new();
    for slot in 0..20 {
        let (open, gate) = mpsc::channel::<()>();
        let waits = Op::Thread(Job::new(move || gate.recv().is_ok()));
        assert!(pool.submit(token(slot), waits).is_none());
        gates.push(open);
    }
    pool.submit(token(20), job(|| 3));
    assert_eq!(value::<i32>(collect(&mut pool, 1).remove(0)), 3);
    // The last one is let go of first: none stands behind another.
    for slot in (0..20).rev() {
        gates.pop().unwrap().send(()).unwrap();
        let end = collect(&mut pool, 1).remove(0);
        assert_eq!(end.token, token(slot));
        assert!(value::<bool>(end));
    }
    assert!(pool.is_idle());
}

#[test]
fn a_closed_pool_waits_for_threads_of_their_own_and_makes_no_more() {
    let mut pool = pool(1);
    let (open, gate) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let waits = Op::Thread(Job::new(move || {
        begun.send(()).unwrap();
        gate.recv().is_ok()
    }));
    pool.submit(token(1), waits);
    begins.recv().unwrap();
    open.send(()).unwrap();
    assert!(pool.close().left_running.is_empty());
    let end = pool.submit(token(2), Op::Thread(Job::new(|| ()))).unwrap();
    assert!(end.result.is_err());
}

/// A job that says that it has begun, waits to be let go, and gives its slot.
fn held(slot: u32) -> (Op, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((begun, begins), (open, gate)) = (mpsc::channel(), mpsc::channel());
    let op = job(move || {
        begun.send(()).unwrap();
        gate.recv().unwrap();
        slot
    });
    (op, begins, open)
}

#[test]
fn a_job_that_was_cancelled_while_it_ran_does_not_hold_up_the_others() {
    let mut pool = pool(1);
    let (first, begins, open) = held(1);
    pool.submit(token(1), first);
    begins.recv().unwrap();
    pool.submit(token(2), job(|| 2_u32));
    pool.cancel(token(1));
    pool.cancel(token(1));
    pool.submit(token(3), job(|| 3_u32));
    // Both may come at once.
    let ended: Vec<u32> = collect(&mut pool, 2).into_iter().map(value).collect();
    assert_eq!(ended, [2, 3]);
    open.send(()).unwrap();
    assert_eq!(value::<u32>(collect(&mut pool, 1).remove(0)), 1);
    pool.submit(token(4), job(|| 4_u32));
    assert_eq!(value::<u32>(collect(&mut pool, 1).remove(0)), 4);
    assert!(pool.is_idle());
}

#[test]
fn what_was_cancelled_does_not_pile_up_threads() {
    let mut pool = pool(1);
    let mut opens = Vec::new();
    for slot in [1, 2] {
        let (op, begins, open) = held(slot);
        pool.submit(token(slot), op);
        begins.recv().unwrap();
        pool.cancel(token(slot));
        opens.push(open);
    }
    // One thread was let go of; the second keeps its place, and the third job waits for it.
    let (op, begins, open) = held(3);
    pool.submit(token(3), op);
    thread::sleep(Duration::from_millis(20));
    assert!(begins.try_recv().is_err());
    opens[1].send(()).unwrap();
    begins.recv().unwrap();
    opens[0].send(()).unwrap();
    open.send(()).unwrap();
    let mut slots: Vec<u32> = collect(&mut pool, 3).into_iter().map(value).collect();
    slots.sort_unstable();
    assert_eq!(slots, [1, 2, 3]);
}

#[test]
fn a_crowd_that_is_taken_back_does_not_slow_those_that_come() {
    const CROWD: u32 = 100_000;
    let mut pool = pool(1);
    let (open, gate) = mpsc::channel::<()>();
    pool.submit(token(0), job(move || gate.recv().unwrap()));
    // Looking through the ends that nobody has collected would take minutes.
    for slot in 1..=CROWD {
        assert!(pool.submit(token(slot), job(|| ())).is_none());
        pool.cancel(token(slot));
    }
    open.send(()).unwrap();
    let ends = collect(&mut pool, CROWD as usize + 1);
    let cancelled = ends.iter().filter(|end| end.is_cancelled()).count();
    // Also those that lay in the worker's channel by then.
    assert_eq!(cancelled, CROWD as usize);
}
