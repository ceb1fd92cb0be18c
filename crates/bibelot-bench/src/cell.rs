//! The cell: one thing that is measured, by name and size.
//!
//! What one operation of a cell is, is decided here and is the same for every contender.

use std::fmt;

use crate::rounds::Figure;

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Spawns so many tasks that return at once, then joins them all; an operation is one task.
    Spawn { batch: usize },
    /// So many tasks that give way again and again; an operation is one yield.
    Yield { tasks: usize },
    /// So many tasks in a ring, each of which wakes the next; an operation is one wake.
    Ring { tasks: usize },
    /// A sleep is polled once and dropped, beside so many others that wait.
    Timer { others: usize },
    /// A limit that never passes around a yield, beside so many sleeps that wait.
    Timeout { others: usize },
    /// Many timers at once: all set, all taken out, or all fired; an operation is one timer.
    Timers(Step),
    /// Short sleeps one after the other; what counts is how late they end.
    Lateness,
    /// Another thread sends to a task: of a kernel that sleeps, or of one that is busy with other tasks.
    Message { busy: bool },
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
    /// Connections on which nothing happens; what counts is the whole of it.
    Idle { sockets: usize },
}

/// What is done with many timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// They are set.
    Insert,
    /// They are taken out before their time.
    Cancel,
    /// Their time comes.
    Fire,
}

/// All cells, in the order of the report.
pub const CELLS: &[Cell] = &[
    Cell::Spawn { batch: 1 },
    Cell::Spawn { batch: 1000 },
    Cell::Spawn { batch: 1_000_000 },
    Cell::Yield { tasks: 1 },
    Cell::Yield { tasks: 1000 },
    Cell::Yield { tasks: 100_000 },
    Cell::Ring { tasks: 1000 },
    Cell::Timer { others: 0 },
    Cell::Timer { others: 100_000 },
    Cell::Timer { others: 1_000_000 },
    Cell::Timeout { others: 0 },
    Cell::Timeout { others: 100_000 },
    Cell::Timers(Step::Insert),
    Cell::Timers(Step::Cancel),
    Cell::Timers(Step::Fire),
    Cell::Lateness,
    Cell::Message { busy: false },
    Cell::Message { busy: true },
    Cell::Queue { capacity: 1 },
    Cell::Queue { capacity: 1024 },
    Cell::Lock,
    Cell::Semaphore,
    Cell::Event,
    Cell::Memory { sleeping: false },
    Cell::Memory { sleeping: true },
    echo(64, 1),
    echo(64, 10),
    echo(64, 50),
    echo(64, 1000),
    echo(64, 10_000),
    echo(1024, 1),
    echo(1024, 50),
    echo(1024, 1000),
    echo(16_384, 1),
    echo(16_384, 50),
    echo(16_384, 1000),
    Cell::Lines {
        lines: 16,
        connections: 50,
    },
    Cell::Idle { sockets: 1000 },
];

/// Cells whose feature does not exist yet.
pub const NOT_BUILT: &[(&str, &str)] = &[
    ("files/cached", "random 4 KiB of what the cache holds"),
    ("files/direct", "random 4 KiB past the cache"),
    ("files/sequential", "a gigabyte from end to end"),
    (
        "files/small",
        "10,000 small files: create, write, read, unlink",
    ),
];

const fn echo(size: usize, connections: usize) -> Cell {
    Cell::Echo { size, connections }
}

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
            Self::Ring { .. } => "A ring of wakes",
            Self::Timer { .. } => "Set a timer and cancel it",
            Self::Timeout { .. } => "A timeout that never fires, around a yield",
            Self::Timers(_) => "Many timers",
            Self::Lateness => "Lateness of a sleep",
            Self::Message { .. } => "From a thread to a task",
            Self::Queue { .. } => "Queue",
            Self::Lock | Self::Semaphore | Self::Event => "Lock, semaphore, event",
            Self::Memory { .. } => "Memory",
            Self::Echo { .. } => "Echo",
            Self::Lines { .. } => "Lines, pipelined",
            Self::Idle { .. } => "Idle",
        }
    }

    /// What one operation is.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Spawn { .. } | Self::Memory { .. } => "task",
            Self::Yield { .. } => "yield",
            Self::Timer { .. } | Self::Timers(_) => "timer",
            Self::Lateness => "sleep",
            Self::Idle { .. } => "ten seconds",
            Self::Timeout { .. } => "timeout",
            Self::Queue { .. } => "item",
            Self::Lock => "lock",
            Self::Semaphore => "permit",
            Self::Event | Self::Ring { .. } => "wake",
            Self::Echo { .. } | Self::Message { .. } => "message",
            Self::Lines { .. } => "line",
        }
    }

    /// What is measured of it.
    pub fn figure(self) -> Figure {
        match self {
            Self::Memory { .. } => Figure::Bytes,
            Self::Lateness | Self::Message { busy: false } => Figure::P50,
            Self::Message { busy: true } => Figure::Calls,
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
        self.connections() > 0
    }

    /// Which cells it can be compared with to see how cost grows, and how large it is among them.
    pub fn size(self) -> Option<(&'static str, usize)> {
        Some(match self {
            Self::Spawn { batch } => ("spawn", batch),
            Self::Yield { tasks } => ("yield", tasks),
            Self::Timer { others } => ("timer", others),
            Self::Timeout { others } => ("timeout", others),
            // One connection sleeps between messages, which is something else.
            Self::Echo { connections, .. } if connections < 10 => return None,
            Self::Echo { size, connections } => match size {
                64 => ("echo/64", connections),
                1024 => ("echo/1024", connections),
                _ => ("echo/16384", connections),
            },
            _ => return None,
        })
    }

    /// How many connections there are.
    pub fn connections(self) -> usize {
        match self {
            Self::Echo { connections, .. } | Self::Lines { connections, .. } => connections,
            Self::Idle { sockets } => sockets,
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
            Self::Idle { .. } => (vec![b'x'], 1),
            _ => (Vec::new(), 0),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn { batch } => write!(f, "spawn/{batch}"),
            Self::Yield { tasks } => write!(f, "yield/{tasks}"),
            Self::Ring { tasks } => write!(f, "ring/{tasks}"),
            Self::Timer { others } => write!(f, "timer/{others}"),
            Self::Timeout { others } => write!(f, "timeout/{others}"),
            Self::Timers(step) => write!(f, "timers/{}", format!("{step:?}").to_lowercase()),
            Self::Lateness => f.write_str("lateness"),
            Self::Message { busy: true } => f.write_str("message/busy"),
            Self::Message { busy: false } => f.write_str("message/idle"),
            Self::Idle { sockets } => write!(f, "idle/{sockets}"),
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
}
