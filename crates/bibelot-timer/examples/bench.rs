//! What the wheel's operations cost, in nanoseconds each: `cargo run --release --example bench`.
//!
//! Each figure is the median of some rounds, once in an empty wheel and once among a million timers.

use std::hint::black_box;
use std::time::{Duration, Instant as Wall};

use bibelot_timer::{Instant, Key, Wheel};

const BATCH: usize = 1_000;
const ROUNDS: usize = 301;
const CROWD: usize = 1_000_000;
const TIMEOUT: Duration = Duration::from_secs(30);

/// A plain linear congruence: the same numbers each time, and cheap.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0) * u128::from(bound)) >> 64) as u64
    }
}

struct Bench {
    wheel: Wheel<u64>,
    crowd: Vec<Key>,
    keys: Vec<Key>,
    numbers: Numbers,
    now: Instant,
}

impl Bench {
    /// A wheel with timers that are due between one second and two hours from now.
    fn new(crowd: usize) -> Self {
        let mut numbers = Numbers(1);
        let now = Instant::from_nanos(1_234_567_890_123);
        let mut wheel = Wheel::new(now);
        let crowd = (0..crowd as u64)
            .map(|item| {
                let span = Duration::from_nanos(1_000_000_000 + numbers.below(7_199_000_000_000));
                wheel.insert(now + span, item)
            })
            .collect();
        Self {
            wheel,
            crowd,
            keys: Vec::with_capacity(BATCH),
            numbers,
            now,
        }
    }

    /// Moves time on a little, as turns of a kernel do.
    fn tick(&mut self) {
        self.now += Duration::from_micros(20);
        assert!(self.wheel.pop(self.now).is_none());
    }

    fn insert(&mut self, span_max: Option<u64>) {
        for item in 0..BATCH as u64 {
            let span = match span_max {
                Some(nanos) => Duration::from_nanos(1_000_000_000 + self.numbers.below(nanos)),
                None => TIMEOUT + Duration::from_nanos(item),
            };
            self.keys.push(self.wheel.insert(self.now + span, item));
        }
    }

    fn cancel(&mut self) {
        for key in self.keys.drain(..) {
            black_box(self.wheel.remove(key));
        }
    }
}

/// The median over the rounds of what `timed` takes, per operation.
fn median(mut round: impl FnMut() -> Duration) -> f64 {
    let mut spans: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    spans.sort_unstable();
    spans[ROUNDS / 2].as_nanos() as f64 / BATCH as f64
}

fn time(body: impl FnOnce()) -> Duration {
    let begin = Wall::now();
    body();
    begin.elapsed()
}

fn measure(crowd: usize) -> Vec<(&'static str, f64)> {
    let mut bench = Bench::new(crowd);
    let mut figures = Vec::new();

    figures.push((
        "insert, one timeout for all",
        median(|| {
            bench.tick();
            let span = time(|| bench.insert(None));
            bench.cancel();
            span
        }),
    ));
    figures.push((
        "cancel, one timeout for all",
        median(|| {
            bench.tick();
            bench.insert(None);
            time(|| bench.cancel())
        }),
    ));
    figures.push((
        "insert, up to two hours",
        median(|| {
            bench.tick();
            let span = time(|| bench.insert(Some(7_199_000_000_000)));
            bench.cancel();
            span
        }),
    ));
    figures.push((
        "cancel, up to two hours",
        median(|| {
            bench.tick();
            bench.insert(Some(7_199_000_000_000));
            time(|| bench.cancel())
        }),
    ));
    figures.push((
        "timeout that never fires",
        median(|| {
            bench.tick();
            time(|| {
                for item in 0..BATCH as u64 {
                    let key = bench.wheel.insert(bench.now + TIMEOUT, item);
                    black_box(bench.wheel.remove(key));
                }
            })
        }),
    ));
    figures.push((
        "timeout set anew (reset)",
        median(|| {
            bench.tick();
            bench.insert(None);
            let span = time(|| {
                for (nth, &key) in (0..).zip(&bench.keys) {
                    black_box(
                        bench
                            .wheel
                            .reset(key, bench.now + TIMEOUT + Duration::from_nanos(nth)),
                    );
                }
            });
            bench.cancel();
            span
        }),
    ));
    figures.push((
        "a turn with nothing due",
        median(|| {
            time(|| {
                for _ in 0..BATCH {
                    bench.now += Duration::from_nanos(20_000);
                    black_box(bench.wheel.pop(bench.now));
                    black_box(bench.wheel.next_deadline());
                }
            })
        }),
    ));
    figures.push((
        "insert and fire, within 1 ms",
        median(|| {
            time(|| {
                for item in 0..BATCH as u64 {
                    let span = Duration::from_nanos(bench.numbers.below(1_000_000));
                    bench.wheel.insert(bench.now + span, item);
                }
                bench.now += Duration::from_millis(1);
                while let Some(fired) = bench.wheel.pop(bench.now) {
                    black_box(fired);
                }
            })
        }),
    ));
    if crowd > 0 {
        figures.push((
            "cancel and insert one of the crowd",
            median(|| {
                time(|| {
                    for item in 0..BATCH as u64 {
                        let one = bench.numbers.below(crowd as u64) as usize;
                        let span = Duration::from_nanos(
                            1_000_000_000 + bench.numbers.below(7_199_000_000_000),
                        );
                        black_box(bench.wheel.remove(bench.crowd[one]));
                        bench.crowd[one] = bench.wheel.insert(bench.now + span, item);
                    }
                })
            }),
        ));
    }
    figures
}

fn main() {
    println!(
        "{:<36} {:>10} {:>14}",
        "ns per operation", "alone", "of a million"
    );
    let (alone, crowded) = (measure(0), measure(CROWD));
    for (index, (name, crowded)) in crowded.into_iter().enumerate() {
        match alone.get(index) {
            Some((_, alone)) => println!("{name:<36} {alone:>10.1} {crowded:>14.1}"),
            None => println!("{name:<36} {:>10} {crowded:>14.1}", ""),
        }
    }

    let mut bench = Bench::new(CROWD);
    let begin = Wall::now();
    let mut fired = 0;
    while bench.wheel.pop(Instant::from_nanos(u64::MAX - 1)).is_some() {
        fired += 1;
    }
    let each = begin.elapsed().as_nanos() as f64 / f64::from(fired);
    println!(
        "{:<36} {:>10} {each:>14.1}",
        "fired by a jump of centuries", ""
    );
}
