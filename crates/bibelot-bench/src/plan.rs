//! The plan: how many operations a measurement takes, so that all of them together fit the time there is.
//!
//! Each cell gets a share of the time that is left, by its weight. What a contender needs to start and what an
//! operation takes it is found out by trying, and then each gets as many operations as fit its part of the share: who
//! is slow does fewer. What a cell leaves over goes to those after it.

use std::io;
use std::time::{Duration, Instant};

use crate::cell::{Cell, Step};
use crate::contender::{Contender, Role};

/// The least that still tells something, as a part of a full measurement.
const LEAST: f64 = 0.01;

/// The most that is of any use, in full measurements.
const MOST: f64 = 8.0;

/// So much more time tells what an operation takes.
const TELLING: Duration = Duration::from_millis(25);

/// By how much each try is larger than the one before.
const GROWTH: u64 = 8;

/// How long a cell lasts that is to last a certain time, with what is around it.
const IDLE: Duration = Duration::from_secs(11);

impl Cell {
    /// How many operations one measurement takes, a multiple of what belongs together; of what is idle, how
    /// many milliseconds.
    pub fn ops(self, scale: f64) -> u64 {
        let (ops, step) = match self {
            Self::Spawn { batch } => (1_000_000, batch),
            Self::Yield { tasks } | Self::Ring { tasks } => (2_000_000, tasks),
            Self::Timer { .. } | Self::Timeout { .. } | Self::Timers(_) => (1_000_000, 1),
            Self::Lateness => (200, 1),
            Self::Message { busy: false } => (2000, 1),
            Self::Message { busy: true } => (200_000, 1),
            Self::Idle { .. } => (10_000, 1),
            Self::Queue { .. } | Self::Memory { .. } => (1_000_000, 1),
            Self::Lock | Self::Semaphore => (5_000_000, 1),
            Self::Event => (1_000_000, 2),
            Self::Echo { connections, .. } => (150_000, connections),
            Self::Lines { lines, connections } => (800_000, lines * connections),
        };
        let steps = (f64::from(ops) * scale / step as f64).round() as u64;
        steps.max(1) * step as u64
    }

    /// Whether its number of operations is part of what it is, and not only how long it is looked at.
    pub fn has_size(self) -> bool {
        matches!(
            self,
            Self::Timers(_) | Self::Memory { .. } | Self::Idle { .. }
        )
    }

    /// How often it is measured: what does not vary, or lasts ten seconds, need not be measured often.
    pub fn rounds(self, role: Role, wanted: usize) -> usize {
        match self {
            Self::Idle { .. } if role != Role::Ours => wanted.min(1),
            Self::Idle { .. } | Self::Memory { .. } => wanted.min(3),
            _ => wanted,
        }
    }

    /// How much of the time it gets, relative to the others: a server and its load are the noisiest, and what has a
    /// million of something, or 10,000 connections, needs long to be set up.
    fn weight(self) -> u32 {
        match self {
            Self::Idle { .. } => 0,
            Self::Echo { connections, .. } if connections > 1000 => 16,
            Self::Echo { connections: 1, .. } => 8,
            Self::Echo { .. } | Self::Lines { .. } => 4,
            Self::Timers(Step::Fire) => 14,
            Self::Timers(_) => 7,
            Self::Timer { others: 1_000_000 } => 6,
            Self::Spawn { batch: 1_000_000 } => 4,
            Self::Memory { .. } => 1,
            _ => 2,
        }
    }
}

/// How much time is left, and for what.
#[derive(Debug)]
pub struct Budget {
    end: Instant,
    cells: Vec<Cell>,
}

impl Budget {
    /// So much time from now on, for these cells, of which the idle ones take what they take.
    pub fn new(
        span: Duration,
        cells: Vec<Cell>,
        contenders: &[Box<dyn Contender>],
        rounds: usize,
    ) -> Self {
        let idle = cells
            .iter()
            .filter(|cell| matches!(cell, Cell::Idle { .. }));
        let times = idle.flat_map(|&cell| {
            let those = contenders.iter().filter(move |it| it.has(cell));
            those.map(move |it| cell.rounds(it.role(), rounds))
        });
        let idle = IDLE * times.sum::<usize>() as u32;
        Self {
            end: Instant::now() + span.saturating_sub(idle),
            cells,
        }
    }

    /// The share of the first of the cells that are left, which is taken out.
    pub fn share(&mut self) -> Duration {
        let weights: u32 = self.cells.iter().map(|it| it.weight()).sum();
        let left = self.end.saturating_duration_since(Instant::now());
        let cell = self.cells.remove(0);
        left * cell.weight() / weights.max(1)
    }
}

/// What a contender needs in one cell.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// To start, and to end.
    base: Duration,
    /// For each operation, in nanoseconds.
    each_ns: f64,
}

impl Cost {
    /// Finds it out by more and more operations, until it shows; `slot` is what there is for a measurement.
    ///
    /// # Errors
    ///
    /// Those of what is tried.
    pub fn find(
        cell: Cell,
        slot: Duration,
        mut run: impl FnMut(u64) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut timed = |ops| {
            let began = Instant::now();
            run(ops)?;
            io::Result::Ok(began.elapsed())
        };
        let few = cell.ops(LEAST);
        let base = timed(few)?;
        let mut cost = Self {
            base,
            each_ns: base.as_nanos() as f64 / few as f64,
        };
        let mut many = few;
        let mut span = base;
        while span < slot && span < base + TELLING && many < cell.ops(MOST) {
            many *= GROWTH;
            span = timed(many)?;
            let more = span.saturating_sub(base);
            cost.each_ns = more.as_nanos() as f64 / (many - few) as f64;
        }
        let few = Duration::from_nanos((cost.each_ns * few as f64) as u64);
        cost.base = base.saturating_sub(few);
        Ok(cost)
    }

    /// How many operations of a cell fit into such a slot.
    pub fn fit(self, cell: Cell, slot: Duration) -> u64 {
        let room = slot.saturating_sub(self.base).as_nanos() as f64;
        let full = cell.ops(1.0) as f64 * self.each_ns;
        cell.ops((room / full.max(1.0)).clamp(LEAST, MOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_come_in_whole_steps() {
        let cell = Cell::Lines {
            lines: 16,
            connections: 50,
        };
        assert_eq!(cell.ops(1.0) % 800, 0);
        assert_eq!(cell.ops(0.000_001), 800);
    }

    #[test]
    fn who_is_slow_does_fewer() {
        let slot = Duration::from_millis(110);
        let cost = |each_ns| Cost {
            base: Duration::from_millis(10),
            each_ns,
        };
        let cell = Cell::Spawn { batch: 1 };
        assert_eq!(cost(100.0).fit(cell, slot), 1_000_000);
        assert_eq!(cost(1000.0).fit(cell, slot), 100_000);
        assert_eq!(cost(1e9).fit(cell, slot), cell.ops(LEAST));
        assert_eq!(cost(0.0).fit(cell, slot), cell.ops(MOST));
    }

    #[test]
    fn what_is_slow_is_not_tried_with_more() {
        let mut tried = Vec::new();
        let slot = Duration::ZERO;
        let found = Cost::find(Cell::Lock, slot, |ops| {
            tried.push(ops);
            Ok(())
        });
        assert!(found.is_ok());
        assert_eq!(tried, [Cell::Lock.ops(LEAST)]);
    }

    #[test]
    fn the_last_cell_gets_all_that_is_left() {
        let hour = Duration::from_secs(3600);
        let cells = vec![Cell::Lock, Cell::Event];
        let mut budget = Budget::new(hour, cells, &[], 15);
        assert!(budget.share() <= hour / 2);
        let rest = budget.share();
        assert!(rest > hour - Duration::from_secs(60) && rest <= hour);
    }
}
