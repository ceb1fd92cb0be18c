//! The addresses: what a user may name a peer or a port by, and the looking up of names.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::io::{Operation, operate};
use bibelot_reactor::{Op, Outcome};

/// What names one or more socket addresses: a [`SocketAddr`], several, a host and a port, or both in one
/// string such as `"localhost:80"` or `"[::1]:80"`.
pub trait ToAddrs {
    /// The addresses, or the name that they are found by.
    fn to_addrs(self) -> Addrs;
}

/// Addresses, or a name that they are found by; made by [`ToAddrs`].
#[derive(Clone, PartialEq, Eq)]
pub struct Addrs(Named);

#[derive(Clone, PartialEq, Eq)]
enum Named {
    One(SocketAddr),
    Several(Vec<SocketAddr>),
    Host { host: String, port: u16 },
    Malformed(String),
}

impl fmt::Debug for Addrs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Named::One(address) => address.fmt(f),
            Named::Several(addresses) => f.debug_list().entries(addresses).finish(),
            Named::Host { host, port } => write!(f, "{host}:{port}"),
            Named::Malformed(text) => write!(f, "malformed {text:?}"),
        }
    }
}

impl ToAddrs for Addrs {
    fn to_addrs(self) -> Addrs {
        self
    }
}

impl ToAddrs for SocketAddr {
    fn to_addrs(self) -> Addrs {
        Addrs(Named::One(self))
    }
}

impl ToAddrs for SocketAddrV4 {
    fn to_addrs(self) -> Addrs {
        SocketAddr::from(self).to_addrs()
    }
}

impl ToAddrs for SocketAddrV6 {
    fn to_addrs(self) -> Addrs {
        SocketAddr::from(self).to_addrs()
    }
}

impl ToAddrs for (IpAddr, u16) {
    fn to_addrs(self) -> Addrs {
        SocketAddr::from(self).to_addrs()
    }
}

impl ToAddrs for (Ipv4Addr, u16) {
    fn to_addrs(self) -> Addrs {
        SocketAddr::from(self).to_addrs()
    }
}

impl ToAddrs for (Ipv6Addr, u16) {
    fn to_addrs(self) -> Addrs {
        SocketAddr::from(self).to_addrs()
    }
}

impl ToAddrs for &[SocketAddr] {
    fn to_addrs(self) -> Addrs {
        self.to_vec().to_addrs()
    }
}

impl ToAddrs for Vec<SocketAddr> {
    fn to_addrs(self) -> Addrs {
        Addrs(Named::Several(self))
    }
}

impl ToAddrs for (&str, u16) {
    fn to_addrs(self) -> Addrs {
        let (host, port) = self;
        // An address in the brackets that it has before a port.
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        if let Ok(ip) = inner.unwrap_or(host).parse::<IpAddr>() {
            return (ip, port).to_addrs();
        }
        Addrs(Named::Host {
            host: host.to_owned(),
            port,
        })
    }
}

impl ToAddrs for (String, u16) {
    fn to_addrs(self) -> Addrs {
        (&*self.0, self.1).to_addrs()
    }
}

impl ToAddrs for &str {
    fn to_addrs(self) -> Addrs {
        if let Ok(address) = self.parse::<SocketAddr>() {
            return address.to_addrs();
        }
        let parts = self.rsplit_once(':');
        match parts.map(|(host, port)| (host, port.parse::<u16>())) {
            Some((host, Ok(port))) if !host.is_empty() && !host.contains(':') => {
                (host, port).to_addrs()
            }
            _ => Addrs(Named::Malformed(self.to_owned())),
        }
    }
}

impl ToAddrs for &String {
    fn to_addrs(self) -> Addrs {
        self.as_str().to_addrs()
    }
}

impl ToAddrs for String {
    fn to_addrs(self) -> Addrs {
        self.as_str().to_addrs()
    }
}

/// Finds the addresses: at once, or by asking the world for the name.
#[derive(Debug)]
pub(super) enum Lookup {
    Known(Addrs),
    Asked(Operation),
}

impl Lookup {
    #[track_caller]
    pub(super) fn new(addrs: impl ToAddrs) -> Self {
        match addrs.to_addrs() {
            Addrs(Named::Host { host, port }) => Self::Asked(operate(Op::Resolve { host, port })),
            known => Self::Known(known),
        }
    }
}

impl Future for Lookup {
    type Output = io::Result<Vec<SocketAddr>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let found = match self.get_mut() {
            Self::Known(Addrs(Named::One(address))) => vec![*address],
            Self::Known(Addrs(Named::Several(addresses))) => std::mem::take(addresses),
            Self::Known(Addrs(Named::Malformed(text) | Named::Host { host: text, .. })) => {
                let message = format!("{text:?} is not a host and a port");
                let error = io::Error::new(io::ErrorKind::InvalidInput, message);
                return Poll::Ready(Err(error));
            }
            Self::Asked(operation) => match ready!(Pin::new(operation).poll(context)) {
                Ok((Ok(Outcome::Resolved(found)), _)) => found,
                Ok((Ok(other), _)) => return Poll::Ready(Err(unfit(&other))),
                Ok((Err(error), _)) => return Poll::Ready(Err(error)),
                Err(cancelled) => return Poll::Ready(Err(cancelled.into())),
            },
        };
        if found.is_empty() {
            return Poll::Ready(Err(no_address()));
        }
        Poll::Ready(Ok(found))
    }
}

/// The error of a list of addresses that is empty.
pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "there is no address")
}

/// The error of an operation that ended with something that it cannot end with.
pub(super) fn unfit(outcome: &Outcome) -> io::Error {
    io::Error::other(format!("the reactor ended an operation with {outcome:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(host: &str, port: u16) -> Addrs {
        Addrs(Named::Host {
            host: host.to_owned(),
            port,
        })
    }

    #[test]
    fn numeric_addresses_need_no_look_up() {
        let v4 = SocketAddr::from(([127, 0, 0, 1], 80)).to_addrs();
        let v6 = (Ipv6Addr::LOCALHOST, 80).to_addrs();
        assert_eq!("127.0.0.1:80".to_addrs(), v4);
        assert_eq!(("127.0.0.1", 80).to_addrs(), v4);
        assert_eq!("[::1]:80".to_addrs(), v6);
        assert_eq!(("::1", 80).to_addrs(), v6);
        assert_eq!(("[::1]".to_owned(), 80).to_addrs(), v6);
    }

    #[test]
    fn a_name_is_kept_with_its_port() {
        assert_eq!("localhost:80".to_addrs(), host("localhost", 80));
        assert_eq!(("localhost", 80).to_addrs(), host("localhost", 80));
    }

    #[test]
    fn what_names_no_port_is_malformed() {
        for text in [
            "",
            "localhost",
            "localhost:",
            "host:65536",
            ":80",
            "::1:80:x",
            "a:b:80",
        ] {
            assert!(matches!(text.to_addrs().0, Named::Malformed(_)), "{text}");
        }
    }
}
