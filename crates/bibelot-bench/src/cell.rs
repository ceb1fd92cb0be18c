//! The cell: one thing that is measured, by name and size.
//!
//! What one operation of a cell is, and how many of them a measurement takes, is decided here and is the
//! same for every contender.

use std::fmt;

use crate::rounds::Figure;

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Spawns so many tasks that return at once, then joins them all; an operation is one task.
    Spawn { batch: usize },
    /// So many tasks that give way again and again; an operation is one yield.
    Yield { tasks: usize },
    /// A sleep is polled once and dropped, beside so many others that wait.
    Timer { others: usize },
    /// A limit that never passes around a yield, beside so many sleeps that wait.
    Timeout { others: usize },
    /// One task puts, one takes; an operation is one item.
    Queue { capacity: usize },
    /// A free lock is taken and let go.
    Lock,
    /// A free permit is taken and given back.
    Semaphore,
    /// Two tasks wake one another by two events; an operation is one wake and the wait for it.
    Event,
    /// A million tasks that wait, in a sleep or for ever; an operation is one task.
    Memory { sleeping: bool },
    /// Connections that send a message and wait for it to come back; an operation is one message.
    Echo { size: usize, connections: usize },
    /// Connections that send so many lines at once and wait for all of them; an operation is one line.
    Lines { lines: usize, connections: usize },
}

/// All cells, in the order of the report.
pub const CELLS: &[Cell] = &[
    Cell::Spawn { batch: 1 },
    Cell::Spawn { batch: 1000 },
    Cell::Spawn { batch: 1_000_000 },
    Cell::Yield { tasks: 1 },
    Cell::Yield { tasks: 1000 },
    Cell::Yield { tasks: 100_000 },
    Cell::Timer { others: 0 },
    Cell::Timer { others: 100_000 },
    Cell::Timeout { others: 0 },
    Cell::Timeout { others: 100_000 },
    Cell::Queue { capacity: 1 },
    Cell::Queue { capacity: 1024 },
    Cell::Lock,
    Cell::Semaphore,
    Cell::Event,
    Cell::Memory { sleeping: false },
    Cell::Memory { sleeping: true },
    Cell::Echo {
        size: 64,
        connections: 1,
    },
    Cell::Echo {
        size: 64,
        connections: 50,
    },
    Cell::Echo {
        size: 64,
        connections: 1000,
    },
    Cell::Lines {
        lines: 16,
        connections: 50,
    },
];

/// How long the lines of [`Cell::Lines`] are, their ends included.
pub const LINE_LEN: usize = 32;

impl Cell {
    /// The cell of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        CELLS.iter().copied().find(|cell| cell.to_string() == name)
    }

    /// The table it belongs to.
    pub fn workload(self) -> &'static str {
        match self {
            Self::Spawn { .. } => "Spawn and join",
            Self::Yield { .. } => "Yield",
            Self::Timer { .. } => "Set a timer and cancel it",
            Self::Timeout { .. } => "A timeout that never fires, around a yield",
            Self::Queue { .. } => "Queue",
            Self::Lock | Self::Semaphore | Self::Event => "Lock, semaphore, event",
            Self::Memory { .. } => "Memory",
            Self::Echo { .. } => "Echo",
            Self::Lines { .. } => "Lines, pipelined",
        }
    }

    /// What one operation is.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Spawn { .. } | Self::Memory { .. } => "task",
            Self::Yield { .. } => "yield",
            Self::Timer { .. } => "timer",
            Self::Timeout { .. } => "timeout",
            Self::Queue { .. } => "item",
            Self::Lock => "lock",
            Self::Semaphore => "permit",
            Self::Event => "wake",
            Self::Echo { .. } => "message",
            Self::Lines { .. } => "line",
        }
    }

    /// What is measured of it.
    pub fn figure(self) -> Figure {
        match self {
            Self::Memory { .. } => Figure::Bytes,
            _ => Figure::Cpu,
        }
    }

    /// Whether it is about a primitive of synchronisation.
    pub fn is_sync(self) -> bool {
        matches!(
            self,
            Self::Queue { .. } | Self::Lock | Self::Semaphore | Self::Event
        )
    }

    /// Whether a server and a generator of load take part in it.
    pub fn has_network(self) -> bool {
        matches!(self, Self::Echo { .. } | Self::Lines { .. })
    }

    /// How many connections there are.
    pub fn connections(self) -> usize {
        match self {
            Self::Echo { connections, .. } | Self::Lines { connections, .. } => connections,
            _ => 0,
        }
    }

    /// What a connection sends at once, and how many operations that is.
    pub fn message(self) -> (Vec<u8>, u64) {
        match self {
            Self::Lines { lines, .. } => {
                let mut line = [b'x'; LINE_LEN];
                line[LINE_LEN - 1] = b'\n';
                (line.repeat(lines), lines as u64)
            }
            Self::Echo { size, .. } => (vec![b'x'; size], 1),
            _ => (Vec::new(), 0),
        }
    }

    /// How many operations one measurement takes, a multiple of what belongs together.
    pub fn ops(self, scale: f64) -> u64 {
        let (ops, step) = match self {
            Self::Spawn { batch } => (1_000_000, batch),
            Self::Yield { tasks } => (2_000_000, tasks),
            Self::Timer { .. } | Self::Timeout { .. } => (1_000_000, 1),
            Self::Queue { .. } | Self::Memory { .. } => (1_000_000, 1),
            Self::Lock | Self::Semaphore => (5_000_000, 1),
            Self::Event => (1_000_000, 2),
            Self::Echo { connections, .. } => (150_000, connections),
            Self::Lines { lines, connections } => (800_000, lines * connections),
        };
        let steps = (f64::from(ops) * scale / step as f64).round() as u64;
        steps.max(1) * step as u64
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn { batch } => write!(f, "spawn/{batch}"),
            Self::Yield { tasks } => write!(f, "yield/{tasks}"),
            Self::Timer { others } => write!(f, "timer/{others}"),
            Self::Timeout { others } => write!(f, "timeout/{others}"),
            Self::Queue { capacity } => write!(f, "queue/{capacity}"),
            Self::Lock => f.write_str("lock"),
            Self::Semaphore => f.write_str("semaphore"),
            Self::Event => f.write_str("event"),
            Self::Memory { sleeping: true } => f.write_str("memory/sleeping"),
            Self::Memory { sleeping: false } => f.write_str("memory/parked"),
            Self::Echo { size, connections } => write!(f, "echo/{size}x{connections}"),
            Self::Lines { lines, connections } => write!(f, "lines/{lines}x{connections}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_known_by_its_name() {
        for &cell in CELLS {
            assert_eq!(Cell::from_name(&cell.to_string()), Some(cell));
        }
        assert_eq!(Cell::from_name("spawn/2"), None);
    }

    #[test]
    fn operations_come_in_whole_steps() {
        let cell = Cell::Lines {
            lines: 16,
            connections: 50,
        };
        assert_eq!(cell.ops(1.0) % 800, 0);
        assert_eq!(cell.ops(0.000_001), 800);
    }
}
