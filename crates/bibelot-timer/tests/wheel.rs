//! What the wheel promises, one promise a test.

use std::cell::Cell;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use bibelot_timer::{Instant, Wheel};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

fn due<T>(wheel: &mut Wheel<T>, now: Instant) -> Vec<T> {
    iter::from_fn(|| wheel.pop(now))
        .map(|(_, item)| item)
        .collect()
}

#[test]
fn nothing_is_due_a_nanosecond_early() {
    for start in [0, 1, 4_095, 1_234_567_890_123, u64::MAX / 3] {
        for shift in 0..63 {
            for near in [0, 1, 2] {
                let deadline = at(start) + Duration::from_nanos((1_u64 << shift) + near);
                let mut wheel = Wheel::new(at(start));
                wheel.insert(deadline, ());
                let before = deadline - Duration::from_nanos(1);
                assert_eq!(wheel.pop(before), None, "{deadline} seen from {start}");
                assert_eq!(wheel.next_deadline(), Some(deadline));
                assert_eq!(wheel.pop(deadline), Some((deadline, ())));
                assert!(wheel.is_empty());
            }
        }
    }
}

#[test]
fn equal_deadlines_come_in_the_order_of_their_insertion_however_close_they_were_then() {
    let deadline = at(5_000_000_123);
    let mut wheel = Wheel::new(Instant::ZERO);
    let mut expected = Vec::new();
    let mut now = Instant::ZERO;
    for item in 0..40 {
        wheel.insert(deadline, item);
        wheel.insert(deadline + Duration::from_nanos(1), 1_000 + item);
        expected.push(item);
        now += (deadline - now) / 2;
        assert_eq!(wheel.pop(now), None);
    }
    assert_eq!(due(&mut wheel, deadline), expected);
}

#[test]
fn an_item_that_is_reset_comes_after_its_equals() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let first = wheel.insert(at(100), "first");
    wheel.insert(at(100), "second");
    assert!(wheel.reset(first, at(100)));
    assert_eq!(due(&mut wheel, at(100)), ["second", "first"]);
    assert!(!wheel.reset(first, at(200)));
}

#[test]
fn an_item_removed_by_the_one_before_it_does_not_come() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let keys: Vec<_> = (0..6)
        .map(|item| wheel.insert(at(10 + item), item))
        .collect();
    let now = at(1_000);
    assert_eq!(wheel.pop(now), Some((at(10), 0)));
    assert_eq!(wheel.remove(keys[1]), Some(1));
    assert_eq!(wheel.remove(keys[5]), Some(5));
    assert!(wheel.reset(keys[3], at(2_000)));
    assert_eq!(due(&mut wheel, now), [2, 4]);
    assert_eq!(wheel.next_deadline(), Some(at(2_000)));
    assert_eq!(wheel.remove(keys[1]), None);
}

#[test]
fn what_is_inserted_late_comes_at_once_and_last() {
    let mut wheel = Wheel::new(Instant::ZERO);
    wheel.insert(at(10), "a");
    wheel.insert(at(20), "b");
    assert_eq!(wheel.pop(at(30)), Some((at(10), "a")));
    wheel.insert(at(5), "late");
    wheel.insert(at(30), "just now");
    wheel.insert(at(31), "to come");
    assert_eq!(wheel.next_deadline(), Some(at(20)));
    assert_eq!(due(&mut wheel, at(30)), ["b", "late", "just now"]);
}

#[test]
fn a_clock_that_goes_back_is_not_believed() {
    let mut wheel = Wheel::new(at(1_000));
    wheel.insert(at(2_000), "a");
    wheel.insert(at(2_500), "b");
    assert_eq!(wheel.pop(at(2_000)), Some((at(2_000), "a")));
    assert_eq!(wheel.pop(at(10)), None);
    assert_eq!(wheel.elapsed(), at(2_000));
    assert_eq!(wheel.next_deadline(), Some(at(2_500)));
    assert_eq!(wheel.pop(at(2_499)), None);
    assert_eq!(wheel.pop(at(2_500)), Some((at(2_500), "b")));
}

#[test]
fn a_clock_that_jumps_a_year_brings_everything_in_order() {
    let mut wheel = Wheel::new(at(77));
    for item in (0..1_000_u64).rev() {
        wheel.insert(at(78 + item * item * item * 31), item);
    }
    let later = at(77) + YEAR;
    wheel.insert(later + Duration::from_nanos(1), 1_000);
    assert_eq!(due(&mut wheel, later), Vec::from_iter(0..1_000));
    assert_eq!(wheel.next_deadline(), Some(later + Duration::from_nanos(1)));
}

#[test]
fn never_does_not_come_and_wakes_nobody() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let never = wheel.insert(Instant::FAR, "never");
    let once = wheel.insert(at(5) + Duration::MAX, "once");
    assert_eq!(wheel.len(), 2);
    assert_eq!(wheel.next_deadline(), None);
    assert_eq!(wheel.deadline(never), Some(Instant::FAR));

    assert!(wheel.reset(once, at(9)));
    assert_eq!(wheel.next_deadline(), Some(at(9)));
    assert!(wheel.reset(once, Instant::FAR));
    assert_eq!(wheel.next_deadline(), None);
    assert!(wheel.reset(once, at(u64::MAX - 1)));
    assert_eq!(due(&mut wheel, Instant::FAR), ["once"]);
    assert_eq!(wheel.pop(Instant::FAR), None);
    wheel.insert(at(3), "late");
    wheel.insert(Instant::FAR, "never");
    assert_eq!(due(&mut wheel, Instant::FAR), ["late"]);
    assert_eq!(wheel.remove(never), Some("never"));
    assert_eq!(wheel.len(), 1);
}

#[test]
fn a_sleeper_wakes_once_for_a_timer_an_hour_away() {
    let mut wheel = Wheel::new(at(123_456_789));
    let hour = wheel.elapsed() + Duration::from_secs(3600);
    wheel.insert(hour, "hour");
    for _ in 0..1_000 {
        let key = wheel.insert(wheel.elapsed() + Duration::from_secs(1), "timeout");
        assert!(wheel.remove(key).is_some());
        assert_eq!(wheel.next_deadline(), Some(hour));
    }
    assert_eq!(wheel.pop(hour), Some((hour, "hour")));
}

#[test]
fn equal_timeouts_keep_the_next_deadline_exact_whoever_leaves() {
    let timeout = Duration::from_secs(30);
    let mut wheel = Wheel::new(Instant::ZERO);
    // Two out of order in the slot that the others will use; what they leave behind must not matter.
    for nanos in [9_000, 8_000] {
        wheel.insert(at(nanos) + timeout, 0);
    }
    wheel.clear();
    // Three of each deadline.
    let mut keys: Vec<_> = (0..9_000)
        .map(|item| wheel.insert(at(item / 3) + timeout, item))
        .collect();
    for (gone, key) in (1..).zip(keys.drain(..8_999)) {
        assert!(wheel.remove(key).is_some());
        assert_eq!(wheel.next_deadline(), Some(at(gone / 3) + timeout));
    }
}

#[test]
fn the_next_deadline_of_few_items_is_exact_in_any_order() {
    for count in 1..=16_u64 {
        let mut wheel = Wheel::new(Instant::ZERO);
        let hour = Duration::from_secs(3600).as_nanos() as u64;
        let falling = (0..count).map(|item| hour - item);
        let keys: Vec<_> = falling
            .map(|nanos| (nanos, wheel.insert(at(nanos), ())))
            .collect();
        for (nanos, key) in keys.into_iter().rev() {
            assert_eq!(wheel.next_deadline(), Some(at(nanos)));
            assert!(wheel.remove(key).is_some());
        }
        assert_eq!(wheel.next_deadline(), None);
    }
}

#[test]
fn removing_the_soonest_of_many_costs_a_few_needless_wakes_at_most() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let hour = Duration::from_secs(3600).as_nanos() as u64;
    let mut last = None;
    let mut soonest = Vec::new();
    for item in 0..10_000_u64 {
        // Falling deadlines: the list is as unsorted as can be, and who comes later is sooner.
        let deadline = at(hour - item * 7);
        soonest.push(wheel.insert(deadline, item));
        last.get_or_insert(deadline);
    }
    for key in soonest.drain(1..) {
        assert!(wheel.remove(key).is_some());
    }
    let mut needless = 0;
    while let Some(next) = wheel.next_deadline() {
        assert!(Some(next) <= last);
        needless += u32::from(wheel.pop(next).is_none());
    }
    assert!(wheel.is_empty());
    assert!(needless <= 10, "{needless}");
}

#[test]
fn a_million_timers_come_in_order() {
    let mut wheel = Wheel::new(at(5));
    let span = Duration::from_secs(3600).as_nanos() as u64;
    let mut number = 1_u64;
    for item in 0..1_000_000_u64 {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        wheel.insert(at(5 + (number >> 16) % span), item);
    }
    let (mut now, mut last, mut fired) = (at(5), Instant::ZERO, 0);
    while !wheel.is_empty() {
        now += Duration::from_secs(7);
        while let Some((deadline, _)) = wheel.pop(now) {
            assert!(last <= deadline && deadline <= now);
            assert!(
                deadline > now - Duration::from_secs(7),
                "{deadline} is late at {now}"
            );
            last = deadline;
            fired += 1;
        }
    }
    assert_eq!(fired, 1_000_000);
}

#[test]
fn keys_fit_nothing_after_their_item_has_left() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let fired = wheel.insert(at(1), 'a');
    let removed = wheel.insert(at(2), 'b');
    let cleared = wheel.insert(at(3), 'c');
    wheel.pop(at(1));
    wheel.remove(removed);
    wheel.clear();
    for _ in 0..3 {
        wheel.insert(at(9), 'd');
    }
    for key in [fired, removed, cleared] {
        assert_eq!(wheel.get(key), None);
        assert_eq!(wheel.get_mut(key), None);
        assert_eq!(wheel.deadline(key), None);
        assert_eq!(wheel.remove(key), None);
        assert!(!wheel.reset(key, at(10)));
    }
    assert_eq!(wheel.len(), 3);
}

#[test]
fn items_are_changed_in_place() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let key = wheel.insert(at(1), String::from("tea"));
    wheel.get_mut(key).unwrap().push_str(" and biscuits");
    assert_eq!(wheel.get(key).unwrap(), "tea and biscuits");
    assert_eq!(wheel.pop(at(1)).unwrap().1, "tea and biscuits");
}

#[test]
fn a_drain_that_ends_early_leaves_the_rest() {
    let mut wheel = Wheel::new(Instant::ZERO);
    for item in 0..10_u64 {
        wheel.insert(at(100 + item), item);
    }
    assert_eq!(wheel.drain().take(3).count(), 3);
    let mut drain = wheel.drain();
    assert_eq!(drain.len(), 7);
    assert_eq!(drain.next(), Some((at(103), 3)));
    let _ = drain;
    assert_eq!(wheel.next_deadline(), Some(at(104)));
    assert_eq!(due(&mut wheel, at(200)), [4, 5, 6, 7, 8, 9]);
}

/// Counts drops; panics in one of them.
struct Dropped {
    count: Rc<Cell<u32>>,
    panics: bool,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.count.set(self.count.get() + 1);
        assert!(!self.panics, "a drop that panics");
    }
}

#[test]
fn each_item_is_dropped_once_also_when_a_drop_panics() {
    let count = Rc::new(Cell::new(0));
    let mut wheel = Wheel::new(Instant::ZERO);
    for item in 0..10 {
        let dropped = Dropped {
            count: count.clone(),
            panics: item == 4,
        };
        wheel.insert(at(item), dropped);
    }
    assert!(catch_unwind(AssertUnwindSafe(|| wheel.clear())).is_err());
    assert_eq!(wheel.len() as u32 + count.get(), 10);
    wheel.clear();
    assert!(wheel.is_empty());
    assert_eq!(wheel.next_deadline(), None);
    assert_eq!(count.get(), 10);
    drop(wheel);
    assert_eq!(count.get(), 10);
}

#[test]
fn a_wheel_goes_where_its_items_may_go() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let wheel = Wheel::<u64>::new(Instant::ZERO);
    is_send_and_sync(&wheel);
    assert_eq!(
        format!("{wheel:?}"),
        "Wheel { len: 0, elapsed: Instant(0.000000000 s), next_deadline: None, .. }"
    );
}
