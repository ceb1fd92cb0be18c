//! The goals: what a read waits for, and how it takes it.
//!
//! A goal looks at the front whenever something has arrived, and takes out of it only what it gives to
//! its caller in the same moment. What a goal keeps for itself (how far it has searched) is no loss.

use std::io;

use bibelot_reactor::Buf;
use memchr::memchr;

use super::front::Front;
use crate::Error;

/// What a read waits for.
pub trait Goal<'a>: Unpin {
    /// What the read gives.
    type Out;

    /// Whether the read can give its result, from what has arrived by now.
    #[doc(hidden)]
    fn is_met(&mut self, front: &mut Front) -> bool;

    /// The result.
    #[doc(hidden)]
    fn take(&mut self, front: &'a mut Front) -> io::Result<Self::Out>;

    /// How much a read that is cut now has given to its caller already.
    #[doc(hidden)]
    fn progress(&self) -> Option<u64> {
        None
    }
}

/// Whether there is something to give: bytes, or the end.
fn has_some(front: &Front) -> bool {
    front.len() > 0 || front.has_ended()
}

/// Any bytes, lent.
#[derive(Debug)]
pub struct Fill;

impl<'a> Goal<'a> for Fill {
    type Out = &'a [u8];

    fn is_met(&mut self, front: &mut Front) -> bool {
        has_some(front)
    }

    fn take(&mut self, front: &'a mut Front) -> io::Result<&'a [u8]> {
        Ok(front.bytes())
    }
}

/// Any bytes, as they arrived.
#[derive(Debug)]
pub struct Chunk;

impl Goal<'_> for Chunk {
    type Out = Option<Buf>;

    fn is_met(&mut self, front: &mut Front) -> bool {
        has_some(front)
    }

    fn take(&mut self, front: &mut Front) -> io::Result<Option<Buf>> {
        let buf = front.take();
        Ok((!buf.is_empty()).then_some(buf))
    }
}

/// Any bytes, copied.
#[derive(Debug)]
pub struct Any<'a> {
    pub(crate) into: &'a mut [u8],
}

impl<'a> Goal<'a> for Any<'a> {
    type Out = usize;

    fn is_met(&mut self, front: &mut Front) -> bool {
        has_some(front) || self.into.is_empty()
    }

    fn take(&mut self, front: &'a mut Front) -> io::Result<usize> {
        let count = self.into.len().min(front.len());
        self.into[..count].copy_from_slice(&front.bytes()[..count]);
        front.consume(count);
        Ok(count)
    }
}

/// So many bytes.
#[derive(Debug)]
pub struct Exact<'a> {
    pub(crate) into: &'a mut [u8],
}

impl<'a> Goal<'a> for Exact<'a> {
    type Out = ();

    fn is_met(&mut self, front: &mut Front) -> bool {
        front.len() >= self.into.len() || front.has_ended()
    }

    fn take(&mut self, front: &'a mut Front) -> io::Result<()> {
        let (got, wanted) = (front.len(), self.into.len());
        if got < wanted {
            return Err(Error::Eof { got, wanted }.into());
        }
        self.into.copy_from_slice(&front.bytes()[..wanted]);
        front.consume(wanted);
        Ok(())
    }
}

/// The search for the end of a record.
#[derive(Debug)]
struct Search {
    end: u8,
    len_max: usize,
    /// Up to here there is none.
    searched: usize,
    /// Where the record ends.
    found: Option<usize>,
}

impl Search {
    fn new(end: u8, len_max: usize) -> Self {
        Self {
            end,
            len_max,
            searched: 0,
            found: None,
        }
    }

    fn is_over(&mut self, front: &Front) -> bool {
        let bytes = &front.bytes()[..front.len().min(self.len_max)];
        self.found = memchr(self.end, &bytes[self.searched..]).map(|at| self.searched + at + 1);
        self.searched = bytes.len();
        self.found.is_some() || bytes.len() == self.len_max || front.has_ended()
    }

    /// The length of the record: at the end of the stream all that is left.
    fn record_len(&self, front: &Front) -> io::Result<usize> {
        match self.found {
            None if front.len() >= self.len_max => Err(Error::Limit(self.len_max).into()),
            None => Ok(front.len()),
            Some(len) => Ok(len),
        }
    }
}

/// The bytes up to and with the next one of a kind.
#[derive(Debug)]
pub struct Until<'a> {
    search: Search,
    into: &'a mut Vec<u8>,
}

impl<'a> Until<'a> {
    pub(crate) fn new(end: u8, len_max: usize, into: &'a mut Vec<u8>) -> Self {
        Self {
            search: Search::new(end, len_max),
            into,
        }
    }
}

impl<'a> Goal<'a> for Until<'a> {
    type Out = usize;

    fn is_met(&mut self, front: &mut Front) -> bool {
        self.search.is_over(front)
    }

    fn take(&mut self, front: &'a mut Front) -> io::Result<usize> {
        let len = self.search.record_len(front)?;
        self.into.extend_from_slice(&front.bytes()[..len]);
        front.consume(len);
        Ok(len)
    }
}

/// The next line.
#[derive(Debug)]
pub struct Line {
    search: Search,
}

impl Line {
    pub(crate) fn new(len_max: usize) -> Self {
        Self {
            search: Search::new(b'\n', len_max),
        }
    }
}

impl Goal<'_> for Line {
    type Out = Option<Vec<u8>>;

    fn is_met(&mut self, front: &mut Front) -> bool {
        self.search.is_over(front)
    }

    fn take(&mut self, front: &mut Front) -> io::Result<Option<Vec<u8>>> {
        let len = self.search.record_len(front)?;
        let line = front.bytes()[..len].to_vec();
        front.consume(len);
        Ok((len > 0).then_some(line))
    }
}

/// Everything up to the end of the stream.
#[derive(Debug)]
pub struct ToEnd<'a> {
    into: &'a mut Vec<u8>,
    count: usize,
}

impl<'a> ToEnd<'a> {
    pub(crate) fn new(into: &'a mut Vec<u8>) -> Self {
        Self { into, count: 0 }
    }
}

impl<'a> Goal<'a> for ToEnd<'a> {
    type Out = usize;

    fn is_met(&mut self, front: &mut Front) -> bool {
        self.into.extend_from_slice(front.bytes());
        self.count += front.len();
        front.consume(front.len());
        front.has_ended()
    }

    fn take(&mut self, _front: &'a mut Front) -> io::Result<usize> {
        Ok(self.count)
    }

    fn progress(&self) -> Option<u64> {
        Some(self.count as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bibelot_reactor::Buf;

    fn front(pieces: &[&[u8]]) -> Front {
        let mut front = Front::new();
        for piece in pieces {
            front.put(Buf::from(piece.to_vec()));
        }
        front
    }

    #[test]
    fn a_record_may_be_exactly_as_long_as_its_limit() {
        let mut front = front(&[b"abc\n"]);
        let mut line = Line::new(4);
        assert!(line.is_met(&mut front));
        assert_eq!(line.take(&mut front).unwrap().unwrap(), b"abc\n");
    }

    #[test]
    fn a_record_that_is_too_long_stays_where_it_is() {
        let mut front = front(&[b"abcd\n"]);
        let mut line = Line::new(4);
        assert!(line.is_met(&mut front));
        assert_eq!(
            line.take(&mut front).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        assert_eq!(front.bytes(), b"abcd\n");
    }

    #[test]
    fn a_record_without_end_is_complete_at_the_end_of_the_stream() {
        let mut front = front(&[b"ab"]);
        let mut line = Line::new(8);
        assert!(!line.is_met(&mut front));
        front.end();
        assert!(line.is_met(&mut front));
        assert_eq!(line.take(&mut front).unwrap().unwrap(), b"ab");
        let mut line = Line::new(8);
        assert!(line.is_met(&mut front));
        assert!(line.take(&mut front).unwrap().is_none());
    }

    #[test]
    fn no_byte_is_searched_twice() {
        let mut front = front(&[b"abc"]);
        let mut search = Search::new(b'\n', 100);
        assert!(!search.is_over(&front));
        assert_eq!(search.searched, 3);
        front.put(Buf::from(b"de\nf".to_vec()));
        assert!(search.is_over(&front));
        assert_eq!(search.found, Some(6));
    }
}
