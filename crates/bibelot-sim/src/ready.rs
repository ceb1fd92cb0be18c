//! The ready: completions on their way out.
//!
//! They are given out in the order in which they came about. What an operation held stays held until its
//! end is given out, so that nobody sees a descriptor closed whose operation has not ended for them, and
//! no job that was taken back is dropped, which runs code of users, but in a poll.

use std::collections::VecDeque;
use std::io;

use bibelot_reactor::{Buf, Completion, Fd, Job, Op, Outcome, Token};

/// Completions that were not given out yet, each with what its operation held.
#[derive(Debug, Default)]
pub(crate) struct Ready(VecDeque<(Completion, Held)>);

/// What an operation held, beside its buffer.
#[derive(Debug)]
#[expect(dead_code, reason = "it is only held, and then dropped")]
enum Held {
    Nothing,
    Fd(Fd),
    Job(Job),
}

impl Ready {
    /// The operation `token`, which was `op`, has ended.
    pub(crate) fn end(&mut self, token: Token, result: io::Result<Outcome>, op: Op) {
        let (held, buf) = part(op);
        self.0
            .push_back((Completion::end(token, result, buf), held));
    }

    /// The flow `token` has brought something and goes on.
    pub(crate) fn item(&mut self, token: Token, outcome: Outcome) {
        self.0
            .push_back((Completion::item(token, outcome, true), Held::Nothing));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the first completion is one of `token`.
    pub(crate) fn begins_with(&self, token: Token) -> bool {
        self.0
            .front()
            .is_some_and(|(first, _)| first.token == token)
    }

    /// Takes the first completion; what its operation held is let go of.
    pub(crate) fn pop(&mut self) -> Option<Completion> {
        self.0.pop_front().map(|(completion, _held)| completion)
    }
}

/// What an operation owns.
fn part(op: Op) -> (Held, Option<Buf>) {
    match op {
        Op::ReceiveInto { socket: fd, buf }
        | Op::Send { socket: fd, buf }
        | Op::ReadAt { file: fd, buf, .. }
        | Op::WriteAt { file: fd, buf, .. } => (Held::Fd(fd), Some(buf)),
        Op::Accept { listener: fd, .. }
        | Op::Receive { socket: fd }
        | Op::Connect { socket: fd, .. }
        | Op::Ready { fd, .. }
        | Op::Sync { file: fd, .. }
        | Op::Close { fd } => (Held::Fd(fd), None),
        Op::Job(job) => (Held::Job(job), None),
        other => (
            other.fd().cloned().map_or(Held::Nothing, Held::Fd),
            other.into_buf(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::Link;
    use crate::object::Id;
    use std::sync::Arc;

    #[test]
    fn what_an_operation_held_is_let_go_of_when_its_end_is_given_out() {
        let link = Arc::new(Link::default());
        let socket = link.descriptor(Id::new(0, 0));
        let buf = Buf::with_capacity(3);
        let mut ready = Ready::default();
        let token = Token::new(1, 1);
        ready.end(
            token,
            Ok(Outcome::Count(0)),
            Op::ReceiveInto { socket, buf },
        );
        assert!(!link.has_dropped());
        assert!(ready.begins_with(token));
        let end = ready.pop().unwrap();
        assert_eq!(end.buf.unwrap().spare_len(), 3);
        assert!(link.has_dropped());
    }

    #[test]
    fn a_job_that_was_taken_back_is_dropped_when_its_end_is_given_out() {
        let owned = Arc::new(());
        let clone = owned.clone();
        let mut ready = Ready::default();
        let job = Op::Job(Job::new(move || drop(clone)));
        ready.end(Token::new(1, 1), Ok(Outcome::Done), job);
        assert_eq!(Arc::strong_count(&owned), 2);
        ready.pop();
        assert_eq!(Arc::strong_count(&owned), 1);
    }
}
