//! The errors of the simulated operating system, by their Linux numbers.
//!
//! Programs tell errors apart by kind and by number, so the simulated world answers with the numbers
//! that Linux gives in the same place.

use std::io;

/// An error that the operating system would give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(i32);

impl Errno {
    pub(crate) const BADF: Self = Self(9);
    pub(crate) const INVAL: Self = Self(22);
    pub(crate) const MFILE: Self = Self(24);
    pub(crate) const FBIG: Self = Self(27);
    pub(crate) const NOSPC: Self = Self(28);
    pub(crate) const SPIPE: Self = Self(29);
    pub(crate) const PIPE: Self = Self(32);
    pub(crate) const NOENT: Self = Self(2);
    pub(crate) const EXIST: Self = Self(17);
    pub(crate) const NOTSOCK: Self = Self(88);
    pub(crate) const AFNOSUPPORT: Self = Self(97);
    pub(crate) const ADDRINUSE: Self = Self(98);
    pub(crate) const ADDRNOTAVAIL: Self = Self(99);
    pub(crate) const CONNRESET: Self = Self(104);
    pub(crate) const ISCONN: Self = Self(106);
    pub(crate) const NOTCONN: Self = Self(107);
    pub(crate) const TIMEDOUT: Self = Self(110);
    pub(crate) const CONNREFUSED: Self = Self(111);
    pub(crate) const ALREADY: Self = Self(114);
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_kinds_that_programs_ask_for() {
        for (errno, kind) in [
            (Errno::NOENT, io::ErrorKind::NotFound),
            (Errno::EXIST, io::ErrorKind::AlreadyExists),
            (Errno::PIPE, io::ErrorKind::BrokenPipe),
            (Errno::ADDRINUSE, io::ErrorKind::AddrInUse),
            (Errno::ADDRNOTAVAIL, io::ErrorKind::AddrNotAvailable),
            (Errno::CONNRESET, io::ErrorKind::ConnectionReset),
            (Errno::NOTCONN, io::ErrorKind::NotConnected),
            (Errno::TIMEDOUT, io::ErrorKind::TimedOut),
            (Errno::CONNREFUSED, io::ErrorKind::ConnectionRefused),
            (Errno::INVAL, io::ErrorKind::InvalidInput),
            (Errno::NOSPC, io::ErrorKind::StorageFull),
        ] {
            assert_eq!(io::Error::from(errno).kind(), kind, "{errno:?}");
        }
    }
}
