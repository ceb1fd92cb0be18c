//! Linearizability: what threads see of a universal primitive is what they would see if their calls had
//! been made one after another, each at some moment while it lasted.
//!
//! Threads make random calls on one primitive and note when each began and ended, and what came out. A
//! search after Wing and Gong then looks for an order of the calls that keeps to those times and in which
//! the model, as the sequential specification, gives the same. Waits take several calls (begin, polls, a
//! cut, letting go), so that lines, hand-over and what a cut hands on are part of what is checked.
//!
//! A call that takes several steps, as one that takes a lock and lets it go, has no such moment;
//! [`Subject::is_one_step`] leaves it out. Primitives whose every wait takes several steps (a condition, a
//! watch that subscribes, a once-cell that is initialised) are tested by threads elsewhere.

use super::world::{Call, Ended, Guard, Model, Out, Subject, Waiting};
use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::{BuildHasher, RandomState};
use std::hint;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

const THREADS: usize = 3;
const CALLS: u32 = 12;
/// How many waits a thread has at a time.
const WAITS: usize = 2;

/// What a thread did, by the numbers of its waits.
#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Begin(u8, u32),
    Poll(u32),
    Cut(u32),
    LetGo(u32),
    Act(u8, u32),
}

/// A call as a thread saw it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    began: u64,
    ended: u64,
    what: What,
    /// `None` while the wait goes on.
    out: Option<Out>,
}

/// Random numbers, good enough to choose by.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as usize % sides
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }
}

struct Thread<'s, P> {
    subject: &'s P,
    clock: &'s AtomicU64,
    dice: Dice,
    next: u32,
    waits: Vec<(u32, Waiting<'s>)>,
    held: Vec<(u32, Box<dyn Guard + 's>)>,
    seen: Vec<Seen>,
}

impl<'s, P: Subject> Thread<'s, P> {
    fn run(mut self) -> Vec<Seen> {
        for _ in 0..CALLS {
            self.next += 1;
            match self.dice.roll(8) {
                0..3 if self.waits.len() < WAITS => self.begin(),
                0..4 if !self.waits.is_empty() => {
                    let at = self.dice.roll(self.waits.len());
                    self.poll(at);
                }
                4 if !self.waits.is_empty() => {
                    let at = self.dice.roll(self.waits.len());
                    self.cut(at);
                }
                0..6 if !self.held.is_empty() => self.let_go(),
                _ => self.act(),
            }
        }
        while !self.waits.is_empty() {
            self.cut(0);
        }
        while !self.held.is_empty() {
            self.let_go();
        }
        self.seen
    }

    /// Makes a call between two looks at the clock.
    fn call<R>(&mut self, what: What, body: impl FnOnce(&mut Self) -> (Option<Out>, R)) -> R {
        let began = self.clock.fetch_add(1, Ordering::SeqCst);
        self.dawdle();
        let (out, rest) = body(self);
        self.dawdle();
        let ended = self.clock.fetch_add(1, Ordering::SeqCst);
        self.seen.push(Seen {
            began,
            ended,
            what,
            out,
        });
        rest
    }

    /// Lets others go on in the middle of a call, now and then.
    fn dawdle(&mut self) {
        if self.dice.roll(4) == 0 {
            thread::yield_now();
        }
    }

    fn begin(&mut self) {
        let (kind, id) = (self.dice.byte(), self.next);
        if !P::is_one_step(Call::Begin(kind)) {
            return;
        }
        let subject = self.subject;
        let wait = self.call(What::Begin(kind, id), |_| {
            let mut wait = subject.begin(kind, id).expect("it can begin at any time");
            let (out, guard) = split(wait.poll(&mut Context::from_waker(Waker::noop())));
            (out, (wait, out, guard))
        });
        self.settle(id, wait);
    }

    fn poll(&mut self, at: usize) {
        let (id, mut wait) = self.waits.remove(at);
        let wait = self.call(What::Poll(id), |_| {
            let (out, guard) = split(wait.poll(&mut Context::from_waker(Waker::noop())));
            (out, (wait, out, guard))
        });
        self.settle(id, wait);
    }

    fn settle(
        &mut self,
        id: u32,
        (wait, out, guard): (Waiting<'s>, Option<Out>, Option<Box<dyn Guard + 's>>),
    ) {
        match out {
            None => self.waits.push((id, wait)),
            Some(_) => self.held.extend(guard.map(|guard| (id, guard))),
        }
    }

    fn cut(&mut self, at: usize) {
        let (id, wait) = self.waits.remove(at);
        self.call(What::Cut(id), |_| (Some(wait.cut()), ()));
    }

    fn let_go(&mut self) {
        let at = self.dice.roll(self.held.len());
        let (id, guard) = self.held.remove(at);
        self.call(What::LetGo(id), |_| {
            drop(guard);
            (None, ())
        });
    }

    fn act(&mut self) {
        let (act, id) = (self.dice.byte(), self.next);
        if P::is_one_step(Call::Act(act)) {
            let subject = self.subject;
            self.call(What::Act(act, id), |_| (Some(subject.act(act, id)), ()));
        }
    }
}

fn split(end: Poll<Ended<'_>>) -> (Option<Out>, Option<Box<dyn Guard + '_>>) {
    match end {
        Poll::Pending => (None, None),
        Poll::Ready((out, guard)) => (Some(out), guard),
    }
}

/// What the model says came out of a call.
fn apply(model: &mut impl Model, what: What) -> Option<Out> {
    match what {
        What::Begin(kind, id) => model.begin(kind, id).expect("it can begin at any time"),
        What::Poll(id) => model.poll(id),
        What::Cut(id) => Some(model.cut(id)),
        What::LetGo(id) => {
            model.let_go(id);
            None
        }
        What::Act(act, id) => Some(model.act(act, id)),
    }
}

/// A search for an order of the calls of all threads, of which so many are in it.
struct Search<'h> {
    history: &'h [Vec<Seen>],
    /// Places that lead nowhere: how many calls of each thread are in the order, and the model after them.
    barren: HashSet<(Vec<usize>, String)>,
}

impl Search<'_> {
    fn finds<M: Model + Clone + Debug>(&mut self, done: &mut Vec<usize>, model: &M) -> bool {
        let next: Vec<_> = (0..self.history.len())
            .map(|thread| self.history[thread].get(done[thread]).copied())
            .collect();
        let Some(first_end) = next.iter().flatten().map(|seen| seen.ended).min() else {
            return true;
        };
        let place = (done.clone(), format!("{model:?}"));
        if self.barren.contains(&place) {
            return false;
        }
        for (thread, seen) in next.iter().enumerate() {
            // What began after another call ended comes after that.
            let Some(seen) = seen.filter(|seen| seen.began < first_end) else {
                continue;
            };
            let mut model = model.clone();
            if apply(&mut model, seen.what) == seen.out {
                done[thread] += 1;
                if self.finds(done, &model) {
                    return true;
                }
                done[thread] -= 1;
            }
        }
        self.barren.insert(place);
        false
    }
}

fn is_linearizable(history: &[Vec<Seen>], model: &(impl Model + Clone + Debug)) -> bool {
    let barren = HashSet::new();
    let mut search = Search { history, barren };
    search.finds(&mut vec![0; history.len()], model)
}

/// Lets threads loose on a primitive, and returns what they saw.
fn observe<P: Subject + Sync>(subject: &P, seed: u64) -> Vec<Vec<Seen>> {
    let (clock, ready) = (AtomicU64::new(0), AtomicUsize::new(0));
    let run = |thread: usize| {
        let number = u32::try_from(thread).unwrap();
        let thread = Thread {
            subject,
            clock: &clock,
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + u64::from(number) + 1),
            next: number * 1000,
            waits: Vec::new(),
            held: Vec::new(),
            seen: Vec::new(),
        };
        ready.fetch_add(1, Ordering::SeqCst);
        let mut looks = 0;
        while ready.load(Ordering::SeqCst) < THREADS {
            looks += 1;
            // There may be fewer processors than threads.
            match looks % 100 {
                0 => thread::yield_now(),
                _ => hint::spin_loop(),
            }
        }
        thread.run()
    };
    let run = &run;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || run(thread)))
            .collect();
        let seen = threads.into_iter().map(|thread| thread.join().unwrap());
        seen.collect()
    })
}

/// Checks `rounds` runs of a primitive; returns how many calls overlapped another.
pub fn check<P>(rounds: u64) -> usize
where
    P: Subject + Sync,
    P::Model: Clone + Debug,
{
    let mut overlaps = 0;
    let random = RandomState::new();
    for round in 0..rounds {
        let (setting, seed) = (u8::try_from(round % 4).unwrap(), random.hash_one(round));
        let (subject, model) = P::new(setting);
        let history = observe(&subject, seed);
        let mut calls = history.concat();
        calls.sort_by_key(|seen| seen.began);
        let overlap = |pair: &[Seen]| pair[1].began < pair[0].ended;
        overlaps += calls.windows(2).filter(|pair| overlap(pair)).count();
        assert!(
            is_linearizable(&history, &model),
            "setting {setting}, no order explains {calls:#?}"
        );
    }
    overlaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{barrier, broadcast, event, limiter, lock, queue, reentrant, rendezvous, rwlock};
    use crate::{queue::Fifo, semaphore};
    use bibelot_sync::generic::Universal;

    macro_rules! linear {
        ($($name:ident: $subject:ty),* $(,)?) => {
            $(#[test] fn $name() {
                assert!(check::<$subject>(400) > 0, "the threads never met");
            })*
        };
    }

    linear! {
        events_are_linearizable: event::Subject<Universal>,
        queues_are_linearizable: Fifo<Universal>,
        stacks_are_linearizable: queue::Lifo<Universal>,
        priority_queues_are_linearizable: queue::Priority<Universal>,
        rendezvous_are_linearizable: rendezvous::Subject<Universal>,
        locks_are_linearizable: lock::Subject<Universal>,
        rwlocks_are_linearizable: rwlock::Subject<Universal>,
        reentrant_locks_are_linearizable: reentrant::Subject<Universal>,
        semaphores_are_linearizable: semaphore::Subject<Universal>,
        limiters_are_linearizable: limiter::Subject<Universal>,
        barriers_are_linearizable: barrier::Subject<Universal>,
        broadcasts_are_linearizable: broadcast::Subject<Universal>,
    }

    /// One thread after another, or all at the same time.
    fn history(calls: &[(What, Option<Out>)], apart: bool) -> Vec<Vec<Seen>> {
        let seen = |(at, (what, out)): (u64, &(What, Option<Out>))| {
            let (began, ended) = match apart {
                true => (2 * at, 2 * at + 1),
                false => (at, 100 + at),
            };
            let (what, out) = (*what, *out);
            vec![Seen {
                began,
                ended,
                what,
                out,
            }]
        };
        (0..).zip(calls).map(seen).collect()
    }

    #[test]
    fn an_order_is_found_only_where_calls_overlap() {
        let (_, model) = Fifo::<Universal>::new(1);
        let get = (What::Act(6, 1), Some(Out::Item(2)));
        let put = (What::Act(0, 2), Some(Out::Done));
        assert!(is_linearizable(&history(&[get, put], false), &model));
        assert!(is_linearizable(&history(&[put, get], true), &model));
        assert!(!is_linearizable(&history(&[get, put], true), &model));
    }

    #[test]
    fn a_lost_and_a_doubled_item_are_noticed() {
        let (_, model) = Fifo::<Universal>::new(1);
        let put = (What::Act(0, 1), Some(Out::Done));
        let got = |id| (What::Act(6, id), Some(Out::Item(1)));
        let nothing = (What::Act(6, 2), Some(Out::No));
        assert!(!is_linearizable(&history(&[put, nothing], true), &model));
        assert!(!is_linearizable(
            &history(&[put, got(2), got(3)], false),
            &model
        ));
        assert!(is_linearizable(
            &history(&[put, got(2), nothing], false),
            &model
        ));
    }

    #[test]
    fn a_newcomer_that_gets_ahead_of_one_that_waits_is_noticed() {
        let (_, model) = lock::Subject::<Universal>::new(0);
        let begin = |id, out| (What::Begin(0, id), out);
        let calls = [
            begin(1, Some(Out::Done)),
            begin(2, None),
            (What::LetGo(1), None),
            begin(3, Some(Out::Done)),
        ];
        assert!(!is_linearizable(&history(&calls, true), &model));
        assert!(is_linearizable(&history(&calls, false), &model));
    }
}
