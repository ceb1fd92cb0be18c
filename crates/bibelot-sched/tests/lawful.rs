//! Our schedulers keep the laws, and the laws catch those that do not.

use std::cell::Cell;
use std::collections::VecDeque;

use bibelot_sched::laws::{self, Broken, Item, Law, Laws};
use bibelot_sched::{Bag, Fifo, Priority, Production, Scheduler, Seeded, Wake};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

#[test]
fn fifo_bypasses_nothing() {
    Laws::new()
        .bypass_max(0)
        .yields_last()
        .check(Fifo::new)
        .unwrap();
}

#[test]
fn priority_keeps_its_bound_for_any_number_of_levels() {
    for (levels, patience) in [(1, 9), (2, 1), (4, 7), (7, 0), (3, 100)] {
        let make = || Priority::new(patience, move |item: &Item| item.hint % levels);
        let bound = make().bypass_max(levels - 1);
        Laws::new()
            .bypass_max(bound)
            .yields_last()
            .check(make)
            .unwrap();
    }
}

#[test]
fn the_bound_of_priority_is_not_a_step_too_wide() {
    let make = || Priority::new(7, |item: &Item| item.hint % 4);
    let bound = make().bypass_max(3) - 1;
    let broken = Laws::new()
        .bypass_max(bound)
        .cases(2_000)
        .check(make)
        .unwrap_err();
    assert_eq!(broken.law, Law::Bypass);
}

/// What [`Priority`] does, written with a list: of those that wait, the first with the earliest turn.
fn by_a_list(patience: u64, steps: &[Option<(u8, Wake)>]) -> Vec<Option<u64>> {
    let (mut waiting, mut pushes, mut popped) = (Vec::<(u64, u64)>::new(), 0, Vec::new());
    for step in steps {
        if let Some((priority, why)) = step {
            let mut turn = pushes + u64::from(*priority) * patience;
            if *why == Wake::Yielded {
                turn = waiting
                    .iter()
                    .fold(turn, |latest, other| latest.max(other.0));
            }
            waiting.push((turn, pushes));
            pushes += 1;
        } else {
            let first = waiting.iter().min().copied();
            waiting.retain(|item| Some(*item) != first);
            popped.push(first.map(|item| item.1));
        }
    }
    popped
}

proptest! {
    #[test]
    fn priority_runs_what_a_list_says(
        patience in 0..20_u32,
        steps in vec(option::weighted(0.6, (0..5_u8, select(&[Wake::Spawned, Wake::Woken, Wake::Yielded][..]))), 0..80),
    ) {
        let mut ready = Priority::new(patience, |item: &(u8, u64)| item.0);
        let (mut pushes, mut popped) = (0, Vec::new());
        for step in &steps {
            if let Some((priority, why)) = step {
                ready.push((*priority, pushes), *why);
                pushes += 1;
            } else {
                popped.push(ready.pop().map(|item| item.1));
            }
        }
        prop_assert_eq!(popped, by_a_list(patience.into(), &steps));
    }
}

#[test]
fn a_bag_loses_nothing_whatever_its_chooser_says() {
    for seed in 0..5 {
        laws::check(|| Bag::new(Seeded::new(seed)), usize::MAX).unwrap();
    }
    laws::check(|| Bag::new(Production), 0).unwrap();
}

#[test]
fn schedulers_are_checked_with_items_of_their_own_and_by_value() {
    let make = || -> Box<dyn Scheduler<(u8, u64)>> {
        Box::new(Priority::new(3, |item: &(u8, u64)| item.0 % 2))
    };
    let forge = |item: Item| (item.hint, item.serial);
    let item_of = |item: &(u8, u64)| Item {
        serial: item.1,
        hint: item.0,
    };
    Laws::new()
        .bypass_max(2)
        .check_with(make, forge, item_of)
        .unwrap();
}

/// A queue with a flaw.
#[derive(Default)]
struct Flawed {
    items: VecDeque<Item>,
    pushes: usize,
    flaw: Flaw,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Flaw {
    #[default]
    Loses,
    Doubles,
    Invents,
    Miscounts,
    DeniesEmpty,
    HidesLast,
    LastFirst,
    PutsYieldersFirst,
    Panics,
}

impl Scheduler<Item> for Flawed {
    fn push(&mut self, item: Item, why: Wake) {
        self.pushes += 1;
        let third = self.pushes.is_multiple_of(3);
        match self.flaw {
            Flaw::Loses if third => {}
            Flaw::Doubles if third => self.items.extend([item, item]),
            Flaw::Invents if third => self.items.push_back(Item {
                serial: 1_000_000,
                ..item
            }),
            Flaw::LastFirst => self.items.push_front(item),
            Flaw::PutsYieldersFirst if why == Wake::Yielded => self.items.push_front(item),
            Flaw::Panics if third => panic!("the third is one too many"),
            _ => self.items.push_back(item),
        }
    }

    fn pop(&mut self) -> Option<Item> {
        if self.flaw == Flaw::HidesLast && self.items.len() == 1 {
            return None;
        }
        self.items.pop_front()
    }

    fn len(&self) -> usize {
        match self.flaw {
            Flaw::Miscounts => self.items.len().min(4),
            _ => self.items.len(),
        }
    }

    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.flaw != Flaw::DeniesEmpty
    }
}

fn broken(flaw: Flaw) -> Broken {
    let make = || Flawed {
        flaw,
        ..Flawed::default()
    };
    let laws = match flaw {
        Flaw::PutsYieldersFirst => Laws::new().yields_last(),
        _ => Laws::new().bypass_max(10),
    };
    laws.check(make).unwrap_err()
}

#[test]
fn each_flaw_is_found_and_named() {
    for (flaw, law) in [
        (Flaw::Loses, Law::Emptiness),
        (Flaw::Doubles, Law::Emptiness),
        (Flaw::Invents, Law::Conservation),
        (Flaw::Miscounts, Law::Emptiness),
        (Flaw::DeniesEmpty, Law::Emptiness),
        (Flaw::HidesLast, Law::Emptiness),
        (Flaw::LastFirst, Law::Bypass),
        (Flaw::PutsYieldersFirst, Law::YieldsLast),
        (Flaw::Panics, Law::Calm),
    ] {
        assert_eq!(broken(flaw).law, law, "{}", broken(flaw));
    }
}

#[test]
fn a_broken_law_is_shown_with_the_shortest_script() {
    for _ in 0..20 {
        let broken = broken(Flaw::PutsYieldersFirst);
        assert_eq!(
            broken.what,
            "item 1 yielded and ran before item 0, ready by then"
        );
        let [first, second, third] = &broken.script[..] else {
            panic!("not the shortest script: {broken}");
        };
        assert!(first.starts_with("push item 0 ("), "{broken}");
        assert!(second.starts_with("push item 1 (Yielded, "), "{broken}");
        assert_eq!(third, "pop gives item 1");
        let expected = format!(
            "the scheduler breaks a law, a yielding item runs last: {}\n  {first}\n  {second}\n  {third}\n",
            broken.what
        );
        assert_eq!(broken.to_string(), expected);
    }
}

#[test]
fn a_scheduler_that_differs_from_run_to_run_is_found() {
    let runs = Cell::new(0);
    let make = || {
        runs.set(runs.get() + 1);
        Bag::new(Seeded::new(runs.get()))
    };
    let broken = laws::check(make, usize::MAX).unwrap_err();
    assert_eq!(broken.law, Law::Determinism);
}

#[test]
fn doubled_items_are_found_when_they_come_the_second_time() {
    /// Counts rightly and pops one item twice, another never.
    struct Doubling(VecDeque<Item>);

    impl Scheduler<Item> for Doubling {
        fn push(&mut self, item: Item, _: Wake) {
            self.0.push_back(item);
        }

        fn pop(&mut self) -> Option<Item> {
            let item = self.0.pop_front()?;
            if let Some(next) = self.0.front_mut().filter(|next| next.serial == 3) {
                *next = item;
            }
            Some(item)
        }

        fn len(&self) -> usize {
            self.0.len()
        }
    }

    let broken = laws::check(|| Doubling(VecDeque::new()), 0).unwrap_err();
    assert_eq!(broken.law, Law::Conservation);
    assert!(
        broken.what.contains("item 2 was popped a second time"),
        "{broken}"
    );
}
