//! The gathering: a wait in a crowd goes on for a moment after the first completion.
//!
//! Where many connections are busy, the first answer ends a wait, and a fast server makes a system call for
//! every few messages. A wait that may gather asks for more completions than one, but no longer than for a
//! moment from its beginning; after that the first is enough, as ever. So a wait that is long anyway is not a
//! moment longer, and who is alone never waits for others.
//!
//! How many to ask for is learned: twice what the sleep before brought, if that was a crowd.

use std::time::Duration;

/// So many completions at once are a crowd.
const CROWD: usize = 4;
/// More are not asked for: what they brought would leave the processor's cache before it is looked at.
const COUNT_MAX: usize = 32;

/// What the next wait asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub count: u32,
    /// For so long from the beginning of the wait; then one is enough.
    pub within: Duration,
}

impl Wish {
    /// The first completion ends the wait.
    pub(crate) const FIRST: Self = Self {
        count: 1,
        within: Duration::ZERO,
    };

    /// The same in a wait of `span`.
    pub(crate) fn at_most(self, span: Duration) -> Self {
        match self.within.min(span) {
            Duration::ZERO => Self::FIRST,
            within => Self { within, ..self },
        }
    }
}

/// Learns what to ask for.
#[derive(Debug)]
pub(crate) struct Gather {
    most: Duration,
    wish: Wish,
}

impl Gather {
    /// One that waits for others for at most `most`; zero is never.
    pub(crate) fn new(most: Duration) -> Self {
        Self {
            most,
            wish: Wish::FIRST,
        }
    }

    pub(crate) fn wish(&self) -> Wish {
        self.wish
    }

    /// A sleep has brought so many completions; so many operations are under way.
    pub(crate) fn learn(&mut self, came: usize, under_way: usize) {
        let count = (2 * came).min(under_way / 2).min(COUNT_MAX);
        self.wish = match count {
            _ if came < CROWD || self.most.is_zero() => Wish::FIRST,
            0..=1 => Wish::FIRST,
            count => Wish {
                count: count as u32,
                within: self.most,
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_micros(20);

    #[test]
    fn a_crowd_is_waited_for_and_nobody_else() {
        let mut gather = Gather::new(MOST);
        assert_eq!(gather.wish(), Wish::FIRST);
        for (came, under_way, count) in [
            (3, 1000, 1),
            (4, 1000, 8),
            (4, 10, 5),
            (4, 3, 1),
            (30, 1000, 32),
            (0, 1000, 1),
            (usize::MAX / 2, usize::MAX, 32),
        ] {
            gather.learn(came, under_way);
            assert_eq!(gather.wish().count, count, "{came} of {under_way}");
            let is_first = gather.wish() == Wish::FIRST;
            assert_eq!(is_first, count == 1);
        }
    }

    #[test]
    fn it_is_never_waited_for_longer_than_the_wait_may_last() {
        let mut gather = Gather::new(MOST);
        gather.learn(10, 100);
        let wish = gather.wish();
        assert_eq!(wish.at_most(Duration::MAX), wish);
        assert_eq!(wish.at_most(MOST / 2).within, MOST / 2);
        assert_eq!(wish.at_most(Duration::ZERO), Wish::FIRST);
    }

    #[test]
    fn one_that_may_not_wait_takes_what_comes() {
        let mut gather = Gather::new(Duration::ZERO);
        gather.learn(10, 100);
        assert_eq!(gather.wish(), Wish::FIRST);
    }
}
