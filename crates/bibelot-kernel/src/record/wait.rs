//! What a parked task waits for, as one byte.

use std::fmt;

use super::reason::{ROOM, Reason};

/// The reasons that have a word here, each at the index of its byte.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $word:literal,)*) => {
        /// What a parked task waits for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Wait {
            $($(#[$doc])* $name,)*
            /// What a program [named](Self::named) itself.
            Named(Reason),
        }

        #[repr(u8)]
        enum Byte {
            $($name,)*
        }

        const ALL: &[Wait] = &[$(Wait::$name,)*];

        impl Wait {
            /// The reason in a few lower-case words.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                    Self::Named(reason) => reason.as_str(),
                }
            }

            pub(super) const fn to_byte(self) -> u8 {
                match self {
                    $(Self::$name => Byte::$name as u8,)*
                    Self::Named(reason) => ALL.len() as u8 + reason.place(),
                }
            }
        }
    };
}

reasons! {
    /// A point in time.
    Sleep "sleep",
    /// Its next turn: it has yielded.
    Yield "yield",
    /// The end of another task.
    Join "join",
    /// The members of a group.
    Group "group",
    /// An event to be set.
    Event "event",
    /// A lock.
    Lock "lock",
    /// A permit of a semaphore.
    Semaphore "semaphore",
    /// A condition to be notified.
    Condition "condition",
    /// The others at a barrier.
    Barrier "barrier",
    /// A value that somebody promised.
    Promise "promise",
    /// An item from a queue.
    QueueGet "queue get",
    /// Room in a queue.
    QueuePut "queue put",
    /// All items of a queue to be done.
    QueueJoin "queue join",
    /// So many items, or so few, in a queue.
    QueueLen "queue length",
    /// A message from a channel.
    Receive "receive",
    /// Room in a channel.
    Send "send",
    /// A connection from a listener.
    Accept "accept",
    /// A connection to a peer.
    Connect "connect",
    /// Data from a stream or file.
    Read "read",
    /// Room in a stream, or a file to take data.
    Write "write",
    /// What was written to be sent.
    Drain "drain",
    /// A descriptor to be closed.
    Close "close",
    /// An address to be found.
    Resolve "resolve",
    /// A child process.
    Process "process",
    /// A signal.
    Signal "signal",
    /// A job on another thread.
    Thread "thread",
    /// Some other operation of the reactor.
    Io "io",
    /// A future that is not ours: another crate's channel, another runtime's socket.
    Foreign "foreign future",
    /// Something that has no word here.
    Other "other",
}

/// A record's states are a byte, and sixteen of them are no waits.
const _: () = assert!(ALL.len() + ROOM <= 256 - 16);

impl Wait {
    /// A reason in the program's own words, for [`wait_future`](crate::wait_future) and what is built on it.
    ///
    /// A process has room for 200 of them: they are meant to be written into the source. Whoever comes later
    /// with yet another one waits for something [`Other`](Self::Other).
    ///
    /// ```
    /// use bibelot_kernel::Wait;
    ///
    /// let ripe = Wait::named("a ripe cheese");
    /// assert_eq!(ripe.as_str(), "a ripe cheese");
    /// assert_eq!(ripe, Wait::named("a ripe cheese"));
    /// ```
    #[must_use]
    pub fn named(reason: &'static str) -> Self {
        Reason::of(reason).map_or(Self::Other, Self::Named)
    }

    /// The reason of a byte that [`to_byte`](Self::to_byte) gave.
    pub(super) fn from_byte(byte: u8) -> Self {
        let place = usize::from(byte);
        match ALL.get(place) {
            Some(wait) => *wait,
            None => Reason::at(place - ALL.len()).map_or(Self::Other, Self::Named),
        }
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
        for (byte, wait) in ALL.iter().enumerate() {
            assert_eq!(usize::from(wait.to_byte()), byte);
            assert_eq!(Wait::from_byte(wait.to_byte()), *wait);
        }
        let words: BTreeSet<&str> = ALL.iter().map(|wait| wait.as_str()).collect();
        assert_eq!(words.len(), ALL.len());
    }

    #[test]
    fn named_reasons_survive_their_byte_and_those_beyond_the_room_are_other() {
        let names = (0..ROOM + 9).map(|number| &*format!("reason {number}").leak());
        let waits: Vec<(&str, Wait)> = names.map(|name| (name, Wait::named(name))).collect();
        let named = waits.iter().filter(|(_, wait)| *wait != Wait::Other);
        // Other tests of this process may have named some.
        assert!((ROOM - 9..=ROOM).contains(&named.clone().count()));
        for (name, wait) in named {
            assert_eq!(Wait::from_byte(wait.to_byte()).as_str(), *name);
            assert_eq!(Wait::named(name), *wait);
        }
        assert_eq!(waits.last().unwrap().1, Wait::Other);
    }
}
