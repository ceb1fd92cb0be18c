//! The verdict: what is said when a promise is broken.

use std::fmt;

/// The promises of [`Reactor`](crate::Reactor), by their numbers there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Promise {
    EndsOnce,
    NothingLost,
    ComesBack,
    NothingBlocks,
    UnparkKept,
    Order,
    NeverSpins,
    DropEnds,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndsOnce => "1 (each token ends once)",
            Self::NothingLost => "2 (nothing is lost)",
            Self::ComesBack => "3 (what an operation owned comes back)",
            Self::NothingBlocks => "4 (nothing blocks but poll)",
            Self::UnparkKept => "5 (an unpark is never lost)",
            Self::Order => "6 (order)",
            Self::NeverSpins => "7 (a flow never spins)",
            Self::DropEnds => "8 (dropping ends every operation)",
        })
    }
}

/// The reactor broke a promise.
#[track_caller]
pub(crate) fn broken(reactor: &str, promise: Promise, how: fmt::Arguments<'_>) -> ! {
    panic!("reactor \"{reactor}\" broke promise {promise}: {how}");
}

/// Whoever uses the reactor broke its rules.
#[track_caller]
pub(crate) fn misused(reactor: &str, how: fmt::Arguments<'_>) -> ! {
    panic!("reactor \"{reactor}\" was misused: {how}");
}
