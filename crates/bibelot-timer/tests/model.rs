//! The wheel against a sorted map: same firings, same order, for jumps of every size.

use std::collections::BTreeMap;
use std::time::Duration;

use bibelot_timer::{Instant, Key, Wheel};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// The wheel's specification: items in the order of deadline and arrival. What arrives late counts as
/// due now.
#[derive(Default)]
struct Model {
    elapsed: Instant,
    arrivals: u64,
    waiting: BTreeMap<(Instant, u64), u64>,
    items: BTreeMap<u64, (Instant, u64)>,
}

impl Model {
    fn insert(&mut self, at: Instant, item: u64) {
        let place = (at.max(self.elapsed), self.arrivals);
        self.arrivals += 1;
        if !at.is_never() {
            self.waiting.insert(place, item);
        }
        self.items.insert(item, (at, place.1));
    }

    fn remove(&mut self, item: u64) -> Option<u64> {
        let (_, arrival) = self.items.remove(&item)?;
        self.waiting.retain(|place, _| place.1 != arrival);
        Some(item)
    }

    fn reset(&mut self, item: u64, at: Instant) -> bool {
        let known = self.remove(item).is_some();
        if known {
            self.insert(at, item);
        }
        known
    }

    fn pop(&mut self, now: Instant) -> Option<(Instant, u64)> {
        self.elapsed = self.elapsed.max(now);
        let (&place, &item) = self.waiting.first_key_value()?;
        if place.0 > self.elapsed {
            return None;
        }
        self.waiting.remove(&place);
        let (deadline, _) = self.items.remove(&item).unwrap();
        Some((deadline, item))
    }

    /// The deadline of what `pop` gives next.
    fn next_deadline(&self) -> Option<Instant> {
        let (_, item) = self.waiting.first_key_value()?;
        Some(self.items[item].0)
    }
}

#[derive(Clone, Debug)]
enum When {
    Ahead(u64),
    Behind(u64),
    At(u64),
}

impl When {
    fn seen_from(&self, now: Instant) -> Instant {
        match *self {
            When::Ahead(nanos) => now + Duration::from_nanos(nanos),
            When::Behind(nanos) => now - Duration::from_nanos(nanos),
            When::At(nanos) => Instant::from_nanos(nanos),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(When),
    Remove(Index),
    Reset(Index, When),
    Pop(When, usize),
    Sleep,
    Clear,
}

/// Spans of every size: few small ones, so that deadlines meet, and the surroundings of each power of
/// two, where levels wrap.
fn spans() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => 0..4_u64,
        3 => (0..64_u32, 0..3_u64).prop_map(|(shift, off)| (1_u64 << shift).wrapping_add(off).wrapping_sub(1)),
        2 => (0..64_u32, any::<u64>()).prop_map(|(shift, bits)| bits >> shift),
    ]
}

fn whens() -> impl Strategy<Value = When> {
    prop_oneof![
        8 => spans().prop_map(When::Ahead),
        1 => spans().prop_map(When::Behind),
        1 => spans().prop_map(When::At),
        1 => (0..3_u64).prop_map(|off| When::At(u64::MAX - off)),
    ]
}

/// Jumps that leave room for others after them, and a few that go to the end.
fn jumps() -> impl Strategy<Value = When> {
    prop_oneof![
        12 => (0..44_u32, any::<u64>()).prop_map(|(shift, bits)| When::Ahead(bits >> (20 + shift))),
        6 => spans().prop_map(|span| When::Ahead(span >> 8)),
        2 => spans().prop_map(When::Behind),
        1 => whens(),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        16 => whens().prop_map(Step::Insert),
        6 => any::<Index>().prop_map(Step::Remove),
        4 => (any::<Index>(), whens()).prop_map(|(index, when)| Step::Reset(index, when)),
        8 => (jumps(), prop_oneof![Just(usize::MAX), 0..3_usize]).prop_map(|(when, most)| Step::Pop(when, most)),
        6 => Just(Step::Sleep),
        1 => Just(Step::Clear),
    ]
}

/// Wheel and model side by side; every answer is compared.
struct Pair {
    wheel: Wheel<u64>,
    model: Model,
    keys: Vec<Key>,
    exact: bool,
}

impl Pair {
    fn new(start: Instant, exact: bool) -> Self {
        Self {
            wheel: Wheel::new(start),
            model: Model {
                elapsed: start,
                ..Model::default()
            },
            keys: Vec::new(),
            exact,
        }
    }

    fn step(&mut self, step: &Step) {
        let now = self.model.elapsed;
        match step {
            Step::Insert(when) => {
                let at = when.seen_from(now);
                let item = self.keys.len() as u64;
                self.model.insert(at, item);
                self.keys.push(self.wheel.insert(at, item));
            }
            Step::Remove(index) if !self.keys.is_empty() => {
                let item = index.index(self.keys.len());
                let removed = self.wheel.remove(self.keys[item]);
                assert_eq!(removed, self.model.remove(item as u64));
            }
            Step::Reset(index, when) if !self.keys.is_empty() => {
                let (item, at) = (index.index(self.keys.len()), when.seen_from(now));
                let known = self.wheel.reset(self.keys[item], at);
                assert_eq!(known, self.model.reset(item as u64, at));
            }
            Step::Remove(_) | Step::Reset(..) => {}
            Step::Pop(when, most) => self.pop(when.seen_from(now), *most),
            Step::Sleep => self.sleep(),
            Step::Clear => {
                let mut drained: Vec<_> = self.wheel.drain().collect();
                drained.sort_unstable_by_key(|&(_, item)| item);
                let model = std::mem::take(&mut self.model.items);
                self.model.waiting.clear();
                let expected: Vec<_> = model
                    .into_iter()
                    .map(|(item, (at, _))| (at, item))
                    .collect();
                assert_eq!(drained, expected);
            }
        }
        self.compare();
    }

    fn pop(&mut self, now: Instant, most: usize) {
        for _ in 0..most {
            let popped = self.wheel.pop(now);
            assert_eq!(popped, self.model.pop(now), "at {now}");
            self.compare();
            if popped.is_none() {
                break;
            }
        }
    }

    /// Does what a kernel does with nothing else to do: goes to the next deadline.
    fn sleep(&mut self) {
        let Some(due) = self.model.next_deadline() else {
            assert_eq!(self.wheel.next_deadline(), None);
            return;
        };
        for needless in 0.. {
            assert!(needless <= 10, "woken needlessly once more");
            let next = self.wheel.next_deadline().expect("an item waits");
            assert!(next <= due, "the wheel sleeps until {next}, past {due}");
            if next == due {
                break;
            }
            assert!(!self.exact && next > self.wheel.elapsed());
            self.pop(next, 1);
        }
        self.pop(due, usize::MAX);
    }

    fn compare(&self) {
        assert_eq!(self.wheel.len(), self.model.items.len());
        assert_eq!(self.wheel.elapsed(), self.model.elapsed);
        let (next, expected) = (self.wheel.next_deadline(), self.model.next_deadline());
        assert_eq!(next.is_some(), expected.is_some());
        assert!(next <= expected, "{next:?} is later than {expected:?}");
        if self.exact {
            assert_eq!(next, expected);
        }
    }

    fn finish(&mut self) {
        for (item, &key) in self.keys.iter().enumerate() {
            let deadline = self.model.items.get(&(item as u64)).map(|&(at, _)| at);
            assert_eq!(self.wheel.deadline(key), deadline);
            assert_eq!(self.wheel.get(key).copied(), deadline.map(|_| item as u64));
        }
        while self.model.next_deadline().is_some() {
            self.sleep();
        }
        let last = Instant::from_nanos(u64::MAX - 1);
        self.pop(last, usize::MAX);
        self.pop(Instant::FAR, usize::MAX);
        assert!(
            self.wheel.drain().all(|(at, _)| at.is_never()),
            "only never is left"
        );
        assert!(self.wheel.is_empty());
    }
}

fn run(start: u64, exact: bool, steps: &[Step]) {
    let mut pair = Pair::new(Instant::from_nanos(start), exact);
    for step in steps {
        pair.step(step);
    }
    pair.finish();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn few_items_come_as_in_a_sorted_map_and_the_next_deadline_is_exact(
        start in prop_oneof![Just(0), spans()],
        steps in vec(steps(), 0..24),
    ) {
        let inserts = steps.iter().filter(|step| matches!(step, Step::Insert(_))).count();
        run(start, inserts <= 16, &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn many_items_come_as_in_a_sorted_map(
        start in spans(),
        steps in vec(steps(), 0..400),
    ) {
        run(start, false, &steps);
    }

    #[test]
    fn crowded_deadlines_come_in_the_order_of_their_insertion(
        spans in vec((0..200_u64).prop_map(|span| span * 50), 1..300),
        removed in vec(any::<Index>(), 0..100),
        jumps in vec(0..4_000_u64, 1..10),
    ) {
        let mut pair = Pair::new(Instant::ZERO, false);
        for span in spans {
            pair.step(&Step::Insert(When::Ahead(span)));
        }
        for index in removed {
            pair.step(&Step::Remove(index));
        }
        for jump in jumps {
            pair.step(&Step::Pop(When::Ahead(jump), usize::MAX));
        }
        pair.finish();
    }
}
