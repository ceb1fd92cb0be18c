//! What a parked task waits for, as one byte.

use std::fmt;

/// What a parked task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Wait {
    /// A point in time.
    Sleep,
    /// Its next turn: it has yielded.
    Yield,
    /// The end of another task.
    Join,
    /// The members of a group.
    Group,
    /// An event to be set.
    Event,
    /// A lock.
    Lock,
    /// A permit of a semaphore.
    Semaphore,
    /// A condition to be notified.
    Condition,
    /// The others at a barrier.
    Barrier,
    /// A value that somebody promised.
    Promise,
    /// An item from a queue.
    QueueGet,
    /// Room in a queue.
    QueuePut,
    /// All items of a queue to be done.
    QueueJoin,
    /// A message from a channel.
    Receive,
    /// Room in a channel.
    Send,
    /// A connection from a listener.
    Accept,
    /// A connection to a peer.
    Connect,
    /// Data from a stream or file.
    Read,
    /// Room in a stream, or a file to take data.
    Write,
    /// What was written to be sent.
    Drain,
    /// A descriptor to be closed.
    Close,
    /// An address to be found.
    Resolve,
    /// A child process.
    Process,
    /// A signal.
    Signal,
    /// A job on another thread.
    Thread,
    /// Some other operation of the reactor.
    Io,
    /// A future that is not ours: another crate's channel, another runtime's socket.
    Foreign,
    /// Something that has no word here.
    Other,
}

impl Wait {
    /// Every reason, each at the index of its byte.
    const ALL: [Self; 28] = [
        Self::Sleep,
        Self::Yield,
        Self::Join,
        Self::Group,
        Self::Event,
        Self::Lock,
        Self::Semaphore,
        Self::Condition,
        Self::Barrier,
        Self::Promise,
        Self::QueueGet,
        Self::QueuePut,
        Self::QueueJoin,
        Self::Receive,
        Self::Send,
        Self::Accept,
        Self::Connect,
        Self::Read,
        Self::Write,
        Self::Drain,
        Self::Close,
        Self::Resolve,
        Self::Process,
        Self::Signal,
        Self::Thread,
        Self::Io,
        Self::Foreign,
        Self::Other,
    ];

    /// The reason in a few lower-case words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sleep => "sleep",
            Self::Yield => "yield",
            Self::Join => "join",
            Self::Group => "group",
            Self::Event => "event",
            Self::Lock => "lock",
            Self::Semaphore => "semaphore",
            Self::Condition => "condition",
            Self::Barrier => "barrier",
            Self::Promise => "promise",
            Self::QueueGet => "queue get",
            Self::QueuePut => "queue put",
            Self::QueueJoin => "queue join",
            Self::Receive => "receive",
            Self::Send => "send",
            Self::Accept => "accept",
            Self::Connect => "connect",
            Self::Read => "read",
            Self::Write => "write",
            Self::Drain => "drain",
            Self::Close => "close",
            Self::Resolve => "resolve",
            Self::Process => "process",
            Self::Signal => "signal",
            Self::Thread => "thread",
            Self::Io => "io",
            Self::Foreign => "foreign future",
            Self::Other => "other",
        }
    }

    pub(super) const fn to_byte(self) -> u8 {
        self as u8
    }

    /// The reason of a byte that [`to_byte`](Self::to_byte) gave.
    pub(super) fn from_byte(byte: u8) -> Self {
        Self::ALL
            .get(usize::from(byte))
            .copied()
            .unwrap_or(Self::Other)
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_survives_its_byte_and_has_a_word_of_its_own() {
        for (byte, wait) in Wait::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(wait.to_byte()), byte);
            assert_eq!(Wait::from_byte(wait.to_byte()), wait);
        }
        let words: BTreeSet<&str> = Wait::ALL.into_iter().map(Wait::as_str).collect();
        assert_eq!(words.len(), Wait::ALL.len());
        assert_eq!(Wait::Other.to_byte() as usize, Wait::ALL.len() - 1);
    }
}
