//! The outcome: whether an answer fits what was asked.

use std::io;

use crate::{Buf, Call, Completion, OpKind, Outcome, Reply};

/// The buffer of an operation, as it was when it was lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lent {
    /// Where its data lies. Only compared.
    place: usize,
    len: usize,
    spare: usize,
}

impl Lent {
    pub(crate) fn of(buf: &Buf) -> Self {
        Self {
            place: buf.as_ptr().addr(),
            len: buf.len(),
            spare: buf.spare_len(),
        }
    }

    /// The buffer once `count` bytes were received into it.
    fn extended(self, count: usize) -> Option<Self> {
        let spare = self.spare.checked_sub(count)?;
        let len = self.len + count;
        Some(Self { len, spare, ..self })
    }
}

/// What is wrong with a completion of a `kind`, taken by itself.
pub(crate) fn unfit(
    kind: OpKind,
    completion: &Completion,
    cancelled: bool,
) -> Option<&'static str> {
    let more = completion.more;
    match &completion.result {
        Err(_) if more => Some("an error, and more to come"),
        Err(_) if completion.is_cancelled() && kind.is_flow() => {
            Some("a cancelled flow ends as paused, not with an error")
        }
        Err(_) if completion.is_cancelled() && !cancelled => {
            Some("it ended as cancelled though nobody asked for that")
        }
        Err(_) => None,
        Ok(_) if more && !kind.is_flow() => Some("more to come of what is no flow"),
        Ok(Outcome::Paused | Outcome::EndOfStream) if more => Some("more to come after an end"),
        Ok(outcome) => unfit_outcome(kind, outcome),
    }
}

fn unfit_outcome(kind: OpKind, outcome: &Outcome) -> Option<&'static str> {
    let fits = match kind {
        OpKind::Nop | OpKind::Connect | OpKind::Close | OpKind::Ready | OpKind::Sync => {
            matches!(outcome, Outcome::Done)
        }
        OpKind::Accept => matches!(outcome, Outcome::Accepted { .. } | Outcome::Paused),
        OpKind::Receive => {
            if matches!(outcome, Outcome::Received(buf) if buf.is_empty()) {
                return Some("it received nothing");
            }
            matches!(
                outcome,
                Outcome::Received(_) | Outcome::EndOfStream | Outcome::Paused
            )
        }
        OpKind::ReceiveInto | OpKind::Send | OpKind::ReadAt | OpKind::WriteAt => {
            matches!(outcome, Outcome::Count(_))
        }
        OpKind::Open => matches!(outcome, Outcome::Opened(_)),
        OpKind::Resolve => matches!(outcome, Outcome::Resolved(_)),
        OpKind::Job | OpKind::Thread => matches!(outcome, Outcome::Finished(_)),
        OpKind::Spawn => matches!(outcome, Outcome::Spawned(_)),
    };
    (!fits).then_some("the outcome is one of another operation")
}

/// What is wrong with the buffer that the last completion of a `kind` brings back.
pub(crate) fn unfit_buf(
    kind: OpKind,
    lent: Option<Lent>,
    result: &io::Result<Outcome>,
    back: Option<&Buf>,
) -> Option<&'static str> {
    let (lent, back) = match (lent, back.map(Lent::of)) {
        (None, None) => return None,
        (Some(_), None) => return Some("its buffer did not come back"),
        (None, Some(_)) => return Some("a buffer came with it that it did not own"),
        (Some(lent), Some(back)) => (lent, back),
    };
    if back.place != lent.place || back.len + back.spare != lent.len + lent.spare {
        return Some("another buffer came back than the one it owned");
    }
    let count = match result {
        Ok(Outcome::Count(count)) => *count,
        _ => 0,
    };
    let expected = match kind {
        OpKind::ReceiveInto | OpKind::ReadAt => lent.extended(count),
        _ if count > lent.len => return Some("it counts more bytes than there were"),
        _ => Some(lent),
    };
    (expected != Some(back)).then_some("its buffer does not hold what its count says")
}

/// Which answers fit a call.
pub(crate) fn expected_reply(call: &Call) -> fn(&Reply) -> bool {
    match call {
        Call::Listen { .. }
        | Call::Socket { .. }
        | Call::Adopt { .. }
        | Call::Signal { .. }
        | Call::StopSignal { .. } => |reply| matches!(reply, Reply::Fd(_)),
        Call::LocalAddress { .. } | Call::PeerAddress { .. } => {
            |reply| matches!(reply, Reply::Address(_))
        }
        Call::Shutdown { .. }
        | Call::NoDelay { .. }
        | Call::Attend { .. }
        | Call::SignalChild { .. } => |reply| matches!(reply, Reply::Done),
        Call::ChildStatus { .. } => |reply| matches!(reply, Reply::Status(_)),
        Call::Cores => |reply| matches!(reply, Reply::Count(_)),
        Call::IsNoDelay { .. } => |reply| matches!(reply, Reply::Flag(_)),
        Call::Pending { .. } => |reply| matches!(reply, Reply::Pending(_)),
        Call::Counters => |reply| matches!(reply, Reply::Counters(_)),
    }
}
