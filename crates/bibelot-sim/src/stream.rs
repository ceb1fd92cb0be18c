//! The stream: one end of a connection, or a socket on its way there.
//!
//! What the peer sends lies in `incoming`; what this end sends lies in the peer's. `outgoing` counts what
//! the peer has not read yet, as far as this end can know: the news of a read takes its time too.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bibelot_reactor::{Interest, Token};

use crate::errno::Errno;
use crate::object::Id;
use crate::pipe::Pipe;
use crate::spot::Spot;

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A new socket.
    Idle,
    /// It asked to be connected.
    Connecting,
    /// It is connected, in both directions, one or none.
    Open,
    /// A reset or a failure ended it.
    Dead,
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) phase: Phase,
    pub(crate) is_v6: bool,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) peer_address: Option<SocketAddr>,
    /// The other end, while anybody holds it.
    pub(crate) peer: Option<Id>,
    /// How often it has asked to be connected.
    pub(crate) requests: u32,
    /// The port that this end took for itself.
    pub(crate) own_port: Option<u16>,
    pub(crate) incoming: Pipe,
    /// When an event will look after what is under way to this end.
    pub(crate) arrival_planned: Option<u64>,
    pub(crate) outgoing: Outgoing,
    /// The peer has sent everything, and all of it has arrived.
    pub(crate) ended: bool,
    /// This end wants to read nothing more.
    pub(crate) read_shut: bool,
    /// A reset of this end is under way or has come.
    pub(crate) reset_planned: bool,
    /// An error that the next receive or send reports.
    pub(crate) error: Option<Errno>,
    pub(crate) connect: Option<Token>,
    pub(crate) receivers: VecDeque<Token>,
    pub(crate) senders: VecDeque<Token>,
    pub(crate) watchers: Vec<(Token, Interest)>,
    pub(crate) no_delay: bool,
    pub(crate) spot: Spot,
}

impl Stream {
    pub(crate) fn new(is_v6: bool, spot: Spot) -> Self {
        Self {
            phase: Phase::Idle,
            is_v6,
            local: None,
            peer_address: None,
            peer: None,
            requests: 0,
            own_port: None,
            incoming: Pipe::default(),
            arrival_planned: None,
            outgoing: Outgoing::default(),
            ended: false,
            read_shut: false,
            reset_planned: false,
            error: None,
            connect: None,
            receivers: VecDeque::new(),
            senders: VecDeque::new(),
            watchers: Vec::new(),
            no_delay: false,
            spot,
        }
    }

    /// What a receive would meet now, in the order in which Linux looks.
    pub(crate) fn readable(&self) -> Readable {
        if self.phase == Phase::Idle {
            Readable::Error(Errno::NOTCONN)
        } else if self.incoming.readable() > 0 {
            Readable::Bytes
        } else if self.ended {
            Readable::End
        } else if let Some(errno) = self.error {
            Readable::Error(errno)
        } else if self.read_shut {
            Readable::End
        } else {
            Readable::Nothing
        }
    }

    /// What a send would meet now, if there is room.
    pub(crate) fn writable(&self) -> Writable {
        match (self.phase, self.error) {
            (Phase::Idle, _) => Writable::Error(Errno::PIPE),
            (Phase::Connecting, _) => Writable::NotYet,
            (_, Some(errno)) => Writable::Error(errno),
            (_, None) if self.outgoing.shut => Writable::Error(Errno::PIPE),
            (_, None) => Writable::Open,
        }
    }

    /// Whether somebody waits for room to send.
    pub(crate) fn wants_room(&self) -> bool {
        let is_writer = |(_, interest): &(Token, Interest)| *interest == Interest::Writable;
        !self.senders.is_empty() || self.watchers.iter().any(is_writer)
    }
}

/// What a receive meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readable {
    Bytes,
    End,
    Error(Errno),
    Nothing,
}

/// What a send meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writable {
    Open,
    NotYet,
    Error(Errno),
}

/// What this end has sent and the peer, as far as is known here, has not read.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// Everything was sent, or nothing more may be.
    pub(crate) shut: bool,
    /// An event will tell when there is more room.
    pub(crate) room_planned: bool,
    used: usize,
    /// Counts that the peer has read, and when that is known here.
    read: VecDeque<(u64, usize)>,
}

impl Outgoing {
    /// How many bytes may be sent at `now_ns` if `most` may be on their way.
    pub(crate) fn room(&mut self, now_ns: u64, most: usize) -> usize {
        while let Some(&(at_ns, count)) = self.read.front() {
            if at_ns > now_ns {
                break;
            }
            self.read.pop_front();
            self.used -= count;
        }
        most.saturating_sub(self.used)
    }

    pub(crate) fn take(&mut self, count: usize) {
        self.used += count;
    }

    /// The peer has read `count` bytes, which is known here at `at_ns`.
    pub(crate) fn release(&mut self, count: usize, at_ns: u64) {
        match self.read.back_mut() {
            Some((last_ns, sum)) if *last_ns >= at_ns => *sum += count,
            _ => self.read.push_back((at_ns, count)),
        }
    }

    /// When the next news of a read comes.
    pub(crate) fn news_ns(&self) -> Option<u64> {
        self.read.front().map(|(at_ns, _)| *at_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_with_the_news_of_a_read() {
        let mut outgoing = Outgoing::default();
        assert_eq!(outgoing.room(0, 10), 10);
        outgoing.take(10);
        outgoing.release(4, 7);
        outgoing.release(1, 7);
        outgoing.release(2, 9);
        assert_eq!(outgoing.room(6, 10), 0);
        assert_eq!(outgoing.news_ns(), Some(7));
        assert_eq!(outgoing.room(7, 10), 5);
        assert_eq!(outgoing.room(u64::MAX, 10), 7);
        assert_eq!(outgoing.news_ns(), None);
    }

    #[test]
    fn what_has_arrived_is_read_before_an_error_is_met() {
        let mut stream = Stream::new(false, Spot::socket(0));
        assert_eq!(stream.readable(), Readable::Error(Errno::NOTCONN));
        stream.phase = Phase::Open;
        assert_eq!(stream.readable(), Readable::Nothing);
        stream.incoming.send(b"last words", 3);
        let _ = stream.incoming.arrive(3);
        stream.error = Some(Errno::CONNRESET);
        assert_eq!(stream.readable(), Readable::Bytes);
        stream.incoming.read(&mut [0; 16]);
        assert_eq!(stream.readable(), Readable::Error(Errno::CONNRESET));
    }
}
