//! The timer wheel alone: a cache whose entries expire, without a runtime.
//!
//! The cache keeps each entry in the wheel; reading one gives it more time, so an entry expires when
//! nobody has asked for it for a while. Time comes from a clock moved by hand: the program tells of an
//! hour and takes no time. Put `Monotonic` in its place for the real clock.
//!
//! `cargo run --example wheel_alone`

use std::collections::HashMap;
use std::time::Duration;

use bibelot_timer::{Clock, Instant, Key, Manual, Wheel};

/// Keeps what was asked for lately.
struct Cache<C> {
    clock: C,
    wheel: Wheel<Entry>,
    keys: HashMap<&'static str, Key>,
    idle_max: Duration,
}

struct Entry {
    name: &'static str,
    value: u32,
}

impl<C: Clock> Cache<C> {
    fn new(clock: C, idle_max: Duration) -> Self {
        Self {
            wheel: Wheel::new(clock.now()),
            clock,
            keys: HashMap::new(),
            idle_max,
        }
    }

    fn put(&mut self, name: &'static str, value: u32) {
        let key = self.wheel.insert(self.deadline(), Entry { name, value });
        if let Some(old) = self.keys.insert(name, key) {
            self.wheel.remove(old);
        }
    }

    fn get(&mut self, name: &str) -> Option<u32> {
        self.expire();
        let key = *self.keys.get(name)?;
        self.wheel.reset(key, self.deadline());
        self.wheel.get(key).map(|entry| entry.value)
    }

    /// Forgets what nobody asked for; gives the names.
    fn expire(&mut self) -> Vec<&'static str> {
        let mut names = Vec::new();
        while let Some((_, entry)) = self.wheel.pop(self.clock.now()) {
            self.keys.remove(entry.name);
            names.push(entry.name);
        }
        names
    }

    fn deadline(&self) -> Instant {
        self.clock.now() + self.idle_max
    }
}

fn main() {
    let clock = Manual::new();
    let mut cache = Cache::new(clock.clone(), Duration::from_secs(60));
    cache.put("stilton", 3);
    cache.put("cheddar", 5);
    clock.advance(Duration::from_secs(1));
    cache.put("gorgonzola", 8);

    clock.set(Instant::ZERO + Duration::from_secs(59));
    println!(
        "{}  stilton is asked for: {:?}",
        clock.now(),
        cache.get("stilton")
    );

    // What an event loop does: sleep until the next deadline, not longer, not shorter.
    while let Some(next) = cache.wheel.next_deadline() {
        clock.set(next);
        println!("{}  forgotten: {}", clock.now(), cache.expire().join(", "));
    }
    println!(
        "{}  stilton is asked for: {:?}",
        clock.now(),
        cache.get("stilton")
    );

    million(&clock);
}

/// A million timers, of which one in a thousand fires.
fn million(clock: &Manual) {
    let mut wheel = Wheel::with_capacity(clock.now(), 1_000_000);
    let start = clock.now();
    let keys: Vec<_> = (0..1_000_000_u64)
        .map(|nth| {
            wheel.insert(
                start + Duration::from_micros(nth * 7_919 % 3_600_000_000),
                nth,
            )
        })
        .collect();
    for (nth, key) in keys.into_iter().enumerate() {
        if nth % 1_000 != 0 {
            wheel.remove(key);
        }
    }
    let (mut fired, mut wakes) = (0, 0);
    while let Some(next) = wheel.next_deadline() {
        clock.set(next);
        wakes += 1;
        while wheel.pop(clock.now()).is_some() {
            fired += 1;
        }
    }
    println!(
        "{}  of a million timers {fired} fired, in {wakes} wakes",
        clock.now()
    );
}
