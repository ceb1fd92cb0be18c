//! The descriptor: an opaque, counted name for something open.
//!
//! An `Fd` is shared between the object that owns it and the operations in flight on it, so a
//! descriptor number cannot be reused while an operation still names it. It is closed when its last
//! holder lets go; [`Op::Close`](crate::Op::Close) makes that an operation with a result. In a
//! simulated world it stands for no descriptor of the operating system at all, and asking for one is
//! an error.
//!
//! # Invariants
//!
//! - The number behind an `Fd` stays open as long as any clone of it lives.
//! - Clones are equal to each other and to nothing else.

use std::any::Any;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Something open: a socket, a file, or a simulated stand-in for one.
#[derive(Clone)]
pub struct Fd(Arc<Inner>);

enum Inner {
    Os(OwnedFd),
    Virtual(Box<dyn VirtualFd>),
}

/// What stands behind an [`Fd`] in a world that has no operating system.
///
/// It is dropped when the last clone of its `Fd` is, which is how such a world learns that nobody
/// holds the object any more.
pub trait VirtualFd: Any + Send + Sync + fmt::Debug {
    /// The number by which that world knows the object.
    fn id(&self) -> u64;
}

impl Fd {
    /// Wraps an object of a simulated world.
    #[must_use]
    pub fn from_virtual(object: Box<dyn VirtualFd>) -> Self {
        Self(Arc::new(Inner::Virtual(object)))
    }

    /// The simulated object behind this descriptor, if it is one.
    #[must_use]
    pub fn as_virtual(&self) -> Option<&dyn VirtualFd> {
        match &*self.0 {
            Inner::Os(_) => None,
            Inner::Virtual(object) => Some(&**object),
        }
    }

    /// Borrows the descriptor of the operating system.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] when this is an object of a simulated world.
    pub fn as_fd(&self) -> io::Result<BorrowedFd<'_>> {
        match &*self.0 {
            Inner::Os(fd) => Ok(fd.as_fd()),
            Inner::Virtual(object) => Err(no_descriptor(&**object)),
        }
    }

    /// Takes the descriptor out, if nobody else holds it.
    ///
    /// # Errors
    ///
    /// The `Fd` itself comes back while an operation or another object shares it, and when it
    /// belongs to a simulated world.
    pub fn try_into_owned(self) -> Result<OwnedFd, Self> {
        if self.as_virtual().is_some() {
            return Err(self);
        }
        match Arc::try_unwrap(self.0) {
            Ok(Inner::Os(fd)) => Ok(fd),
            Ok(inner @ Inner::Virtual(_)) => Err(Self(Arc::new(inner))),
            Err(shared) => Err(Self(shared)),
        }
    }

    /// How many clones of this descriptor there are, this one included.
    #[must_use]
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

fn no_descriptor(object: &dyn VirtualFd) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!(
            "simulated object {} has no descriptor of the operating system",
            object.id()
        ),
    )
}

impl From<OwnedFd> for Fd {
    fn from(fd: OwnedFd) -> Self {
        Self(Arc::new(Inner::Os(fd)))
    }
}

impl PartialEq for Fd {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Fd {}

impl fmt::Debug for Fd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Os(fd) => write!(f, "Fd({})", fd.as_raw_fd()),
            Inner::Virtual(object) => write!(f, "Fd(virtual {})", object.id()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[derive(Debug)]
    struct Stand(u64);

    impl VirtualFd for Stand {
        fn id(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn a_shared_descriptor_is_not_given_away() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let fd = Fd::from(OwnedFd::from(socket));
        let clone = fd.clone();
        let fd = fd.try_into_owned().unwrap_err();
        assert_eq!(fd, clone);
        drop(clone);
        assert!(fd.try_into_owned().is_ok());
    }

    #[test]
    fn a_simulated_object_says_that_it_has_no_descriptor() {
        let fd = Fd::from_virtual(Box::new(Stand(7)));
        let error = fd.as_fd().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(error.to_string().contains('7'));
        assert!(fd.try_into_owned().is_err());
    }
}
