//! The descriptor: an opaque, counted name for something open.
//!
//! An `Fd` is shared between the object that owns it and the operations in flight on it, so a
//! descriptor number cannot be reused while an operation still names it. It is closed when its last
//! holder lets go; [`Op::Close`](crate::Op::Close) makes that an operation with a result. In a
//! simulated world it stands for no descriptor of the operating system at all, and asking for one is
//! an error.
//!
//! Whoever has noted a descriptor's number somewhere (a reactor that registered it) does not hold it
//! for that: it asks for a [`Farewell`], and keeps a [`WeakFd`] to know it again.
//!
//! # Invariants
//!
//! - The number behind an `Fd` stays open as long as any clone of it lives.
//! - Clones are equal to each other and to nothing else.
//! - Farewells are said once, while the descriptor is still open.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Something open: a socket, a file, or a simulated stand-in for one.
#[derive(Clone)]
pub struct Fd(Arc<Inner>);

/// A name for an [`Fd`] that does not hold it open.
#[derive(Clone)]
pub struct WeakFd(Weak<Inner>);

enum Inner {
    Os(Open),
    Virtual(Box<dyn VirtualFd>),
}

/// A descriptor of the operating system, and who wants to hear of its end.
struct Open {
    /// `None` once it was taken out.
    fd: Option<OwnedFd>,
    is_socket: bool,
    farewells: Mutex<Vec<Weak<dyn Farewell>>>,
}

/// Hears of a descriptor's end: the place to undo a registration.
pub trait Farewell: Send + Sync {
    /// The last holder lets go, or takes the descriptor out. It is still open; it is heard on the
    /// thread that does so, and must neither block nor panic.
    fn farewell(&self, fd: BorrowedFd<'_>);
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

    /// Wraps a socket. What is known to be one is closed without asking the operating system first whether
    /// that could take long, as it may with a file.
    #[must_use]
    pub fn from_socket(socket: OwnedFd) -> Self {
        Self(Arc::new(Inner::Os(Open::new(socket, true))))
    }

    /// Whether it was wrapped as a [socket](Self::from_socket).
    #[must_use]
    pub fn is_socket(&self) -> bool {
        matches!(&*self.0, Inner::Os(open) if open.is_socket)
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
            Inner::Os(open) => Ok(open.fd().as_fd()),
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
            Ok(Inner::Os(mut open)) => {
                open.say_farewell();
                Ok(open.fd.take().expect("it is taken out only here"))
            }
            Ok(inner @ Inner::Virtual(_)) => Err(Self(Arc::new(inner))),
            Err(shared) => Err(Self(shared)),
        }
    }

    /// How many clones of this descriptor there are, this one included.
    #[must_use]
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// A name for it that does not hold it open.
    #[must_use]
    pub fn downgrade(&self) -> WeakFd {
        WeakFd(Arc::downgrade(&self.0))
    }

    /// Lets `listener` hear of the end of this descriptor. An object of a simulated world, which learns
    /// of its end by its own drop, says no farewells.
    pub fn ask_farewell(&self, listener: Weak<dyn Farewell>) {
        if let Inner::Os(open) = &*self.0 {
            // Nothing under the lock can leave the list half-changed, so a poisoned lock is a good one.
            let mut farewells = open
                .farewells
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            farewells.push(listener);
        }
    }
}

impl WeakFd {
    /// Whether this names `fd`.
    #[must_use]
    pub fn is(&self, fd: &Fd) -> bool {
        Weak::as_ptr(&self.0) == Arc::as_ptr(&fd.0)
    }

    /// How many clones of the descriptor there are; 0 once it is gone.
    #[must_use]
    pub fn holders(&self) -> usize {
        self.0.strong_count()
    }
}

impl Open {
    fn new(fd: OwnedFd, is_socket: bool) -> Self {
        Self {
            fd: Some(fd),
            is_socket,
            farewells: Mutex::default(),
        }
    }

    fn fd(&self) -> &OwnedFd {
        self.fd
            .as_ref()
            .expect("it is there until it is taken out at its end")
    }

    fn say_farewell(&mut self) {
        let Some(fd) = &self.fd else { return };
        let farewells = self.farewells.get_mut();
        for listener in farewells.unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Some(listener) = listener.upgrade() {
                listener.farewell(fd.as_fd());
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.say_farewell();
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
        Self(Arc::new(Inner::Os(Open::new(fd, false))))
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
            Inner::Os(open) => write!(f, "Fd({})", open.fd().as_raw_fd()),
            Inner::Virtual(object) => write!(f, "Fd(virtual {})", object.id()),
        }
    }
}

impl PartialEq for WeakFd {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl Eq for WeakFd {}

impl Hash for WeakFd {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_ptr().hash(state);
    }
}

impl fmt::Debug for WeakFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.upgrade() {
            Some(inner) => write!(f, "Weak{:?}", Fd(inner)),
            None => f.write_str("WeakFd(gone)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering};

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
    fn a_socket_is_known_as_one_by_all_its_holders() {
        let socket = || OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap());
        let known = Fd::from_socket(socket());
        assert!(known.is_socket() && known.clone().is_socket());
        assert!(!Fd::from(socket()).is_socket());
        assert!(!Fd::from_virtual(Box::new(Stand(1))).is_socket());
    }

    #[derive(Default)]
    struct Heard(AtomicUsize);

    impl Farewell for Heard {
        fn farewell(&self, fd: BorrowedFd<'_>) {
            assert!(fd.try_clone_to_owned().is_ok(), "it is still open");
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn listening() -> Fd {
        Fd::from(OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap()))
    }

    fn ask(fd: &Fd, heard: &Arc<Heard>) {
        let listener: Arc<dyn Farewell> = heard.clone();
        fd.ask_farewell(Arc::downgrade(&listener));
    }

    #[test]
    fn a_farewell_is_said_once_when_the_last_holder_lets_go() {
        let heard = Arc::new(Heard::default());
        let fd = listening();
        ask(&fd, &heard);
        let clone = fd.clone();
        drop(fd);
        assert_eq!(heard.0.load(Ordering::Relaxed), 0);
        drop(clone);
        assert_eq!(heard.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_farewell_is_said_once_when_the_descriptor_is_taken_out() {
        let heard = Arc::new(Heard::default());
        let fd = listening();
        ask(&fd, &heard);
        let owned = fd.try_into_owned().unwrap();
        assert_eq!(heard.0.load(Ordering::Relaxed), 1);
        drop(owned);
        assert_eq!(heard.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_weak_name_knows_its_descriptor_and_no_other() {
        let (fd, other) = (listening(), listening());
        let weak = fd.downgrade();
        assert!(weak.is(&fd.clone()) && !weak.is(&other));
        assert_eq!(weak.holders(), 1);
        drop(fd);
        assert_eq!(weak.holders(), 0);
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
