//! Messages that arrive, that cannot, and those whose reactor ends first.

use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use bibelot_reactor::{Call, Op, Reactor, Token};

use super::*;
use crate::{Abilities, Ability, Uring, UringConfig};

fn talking(hide: impl Into<Abilities>) -> Uring {
    let config = UringConfig {
        wake_by_message: true,
        hide: hide.into(),
        ..UringConfig::default()
    };
    Uring::new(config).expect("these tests need io_uring")
}

fn attend(uring: &mut Uring, begin: bool) {
    uring.call(Call::Attend { begin }).unwrap();
}

fn sent(uring: &Uring) -> u64 {
    uring.messages.as_ref().map_or(0, |messages| messages.sent)
}

/// A reactor that sleeps on a thread of its own until it is woken.
struct Sleeper {
    waker: Waker,
    thread: thread::JoinHandle<()>,
}

impl Sleeper {
    /// Returns when it is asleep.
    fn new() -> Self {
        let (tell, hear) = channel();
        let thread = thread::spawn(move || {
            let mut uring = talking(Abilities::NONE);
            tell.send((uring.unparker(), uring.kick.unpark())).unwrap();
            // Without a timeout: a wake that is lost is a test that does not end.
            uring.poll(None, &mut Vec::new()).unwrap();
        });
        let (waker, unpark) = hear.recv().unwrap();
        while !format!("{unpark:?}").contains("asleep") {
            thread::yield_now();
        }
        Self { waker, thread }
    }

    fn join(self) {
        self.thread.join().unwrap();
    }
}

#[test]
fn a_wake_leaves_with_the_next_turn_and_makes_no_system_call_of_its_own() {
    let sleeper = Sleeper::new();
    let mut uring = talking(Abilities::NONE);
    attend(&mut uring, true);
    sleeper.waker.wake_by_ref();
    let before = uring.ring.system_calls();
    assert!(uring.submit(Token::new(1, 0), Op::Nop).is_none());
    let mut ends = Vec::new();
    while ends.is_empty() {
        uring.poll(None, &mut ends).unwrap();
    }
    assert_eq!((sent(&uring), uring.ring.system_calls() - before), (1, 1));
    sleeper.join();
    assert!(uring.messages.as_ref().unwrap().leaving.is_empty());
    attend(&mut uring, false);
}

#[test]
fn two_rings_wake_each_other_whatever_they_lack() {
    const ROUNDS: usize = 500;
    let lacks = [
        Abilities::NONE,
        Ability::Message.into(),
        Ability::SkipSuccess.into(),
        Ability::SubmitAll.into(),
        Ability::MultishotPoll.into(),
        Ability::ExtArg.into(),
        Ability::DeferTaskrun.into(),
        Ability::DeferTaskrun | Ability::CoopTaskrun | Ability::SingleIssuer,
    ];
    for (one, other) in lacks
        .iter()
        .flat_map(|one| lacks.map(|other| (*one, other)))
    {
        let round = AtomicUsize::new(0);
        let play = |hide, mine: usize, tell: Sender<Waker>, hear: Receiver<Waker>| {
            let mut uring = talking(hide);
            tell.send(uring.unparker()).unwrap();
            let theirs = hear.recv().unwrap();
            attend(&mut uring, true);
            let mut ends = Vec::new();
            loop {
                let now = round.load(Ordering::SeqCst);
                if now >= ROUNDS {
                    break;
                }
                if now % 2 == mine {
                    round.store(now + 1, Ordering::SeqCst);
                    theirs.wake_by_ref();
                }
                uring.poll(None, &mut ends).unwrap();
            }
            attend(&mut uring, false);
            theirs.wake_by_ref();
        };
        let ((tell_a, hear_a), (tell_b, hear_b)) = (channel(), channel());
        thread::scope(|scope| {
            scope.spawn(|| play(one, 0, tell_a, hear_b));
            play(other, 1, tell_b, hear_a);
        });
    }
}

#[test]
fn what_has_lined_up_is_written_when_the_attendance_or_the_reactor_ends() {
    for ends_how in 0..3 {
        let sleeper = Sleeper::new();
        let mut uring = talking(Abilities::NONE);
        attend(&mut uring, true);
        sleeper.waker.wake_by_ref();
        match ends_how {
            0 => attend(&mut uring, false),
            1 => drop(uring),
            _ => drop(uring.close()),
        }
        sleeper.join();
        // The thread is as before: wakes are written at once.
        OPEN.with_borrow(|open| assert!(open.is_none()));
    }
}

#[test]
fn nobody_lines_up_where_nobody_attends() {
    let sleeper = Sleeper::new();
    let uring = talking(Abilities::NONE);
    sleeper.waker.wake_by_ref();
    sleeper.join();
    assert_eq!(sent(&uring), 0);
}

#[test]
fn a_message_to_what_is_no_ring_is_written_instead() {
    let null = File::open("/dev/null").unwrap();
    let event = rustix::event::eventfd(0, rustix::event::EventfdFlags::NONBLOCK).unwrap();
    let address = Arc::new(Address::new(event, Some(null.into())));
    let mut uring = talking(Abilities::NONE);
    attend(&mut uring, true);
    for _ in 0..3 {
        address.clone().wake();
        let mut count = [0; 8];
        assert!(rustix::io::read(address.event(), &mut count).is_err());
        let mut ends = Vec::new();
        uring.poll(Some(Duration::ZERO), &mut ends).unwrap();
        rustix::io::read(address.event(), &mut count).expect("it was written to");
    }
    assert_eq!(Arc::strong_count(&address), 1);
    attend(&mut uring, false);
}

#[test]
fn a_ring_that_has_ended_is_held_open_no_longer_than_a_turn() {
    let mut uring = talking(Abilities::NONE);
    attend(&mut uring, true);
    let other = thread::spawn(|| {
        let other = talking(Abilities::NONE);
        other.kick.address()
    });
    // Its reactor is gone, and its ring open as long as somebody may send to it.
    let address = other.join().unwrap();
    let weak = Arc::downgrade(&address);
    address.wake();
    assert!(weak.strong_count() > 0);
    let mut ends = Vec::new();
    uring.poll(Some(Duration::ZERO), &mut ends).unwrap();
    assert_eq!(weak.strong_count(), 0);
    attend(&mut uring, false);
}

#[test]
fn messages_that_the_operating_system_does_not_take_yet_stay_open_and_follow() {
    let sleeper = Sleeper::new();
    let mut uring = talking(Abilities::NONE);
    attend(&mut uring, true);
    sleeper.waker.wake_by_ref();
    uring.ring.faults = vec![libc::EBUSY, libc::EAGAIN];
    let mut ends = Vec::new();
    uring.poll(Some(Duration::ZERO), &mut ends).unwrap();
    assert_eq!(uring.messages.as_ref().unwrap().leaving.len(), 1);
    while !uring.messages.as_ref().unwrap().leaving.is_empty() {
        uring.poll(Some(Duration::ZERO), &mut ends).unwrap();
    }
    sleeper.join();
    attend(&mut uring, false);
}

#[test]
fn no_wake_is_lost_while_reactors_come_and_go() {
    const WAKES: usize = 300;
    let mut uring = talking(Abilities::NONE);
    attend(&mut uring, true);
    let mut ends = Vec::new();
    let mut old = Vec::new();
    for number in 0..WAKES {
        let sleeper = Sleeper::new();
        sleeper.waker.wake_by_ref();
        old.push(sleeper.waker);
        // Wakes of those that have ended mean nothing, also while others have their numbers.
        old.iter().for_each(Waker::wake_by_ref);
        uring.poll(Some(Duration::ZERO), &mut ends).unwrap();
        if number % 2 == 0 {
            sleeper.thread.join().unwrap();
        }
        old.truncate(8);
    }
    let known = uring.messages.as_ref().unwrap().known.len();
    assert!(known <= 2 * KNOWN_MIN, "{known}");
    attend(&mut uring, false);
}
