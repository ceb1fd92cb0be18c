//! The ports: which addresses the simulated host has, and who listens where.
//!
//! A host has the loopback addresses and those it was given. Ports that a program leaves open are handed
//! out one after the other, as in a system that has just started.
//!
//! # Invariants
//!
//! - Two listeners overlap only if both said that they may share.
//! - A port that was handed out is in use by nobody else at that moment.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::errno::Errno;
use crate::object::Id;

/// The addresses and ports of the host.
#[derive(Debug)]
pub(crate) struct Ports {
    hosts: Vec<IpAddr>,
    listeners: BTreeMap<u16, Vec<Bound>>,
    /// How many listeners and connections there have been at each port, for their names.
    named: BTreeMap<u16, (u32, u32)>,
    /// How many sockets took each port for a call.
    callers: BTreeMap<u16, u32>,
    next: u16,
}

#[derive(Debug)]
struct Bound {
    ip: IpAddr,
    shared: bool,
    id: Option<Id>,
}

impl Ports {
    /// The ports that are handed out, as on Linux.
    const FIRST: u16 = 32_768;
    const LAST: u16 = 60_999;

    pub(crate) fn new(hosts: Vec<IpAddr>) -> Self {
        Self {
            hosts,
            listeners: BTreeMap::new(),
            named: BTreeMap::new(),
            callers: BTreeMap::new(),
            next: Self::FIRST,
        }
    }

    /// Whether packets to `ip` reach this host.
    pub(crate) fn is_here(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_loopback() || ip.is_unspecified() || self.hosts.contains(&ip)
    }

    /// The address that a call to `peer` comes from, without its port.
    pub(crate) fn source(&self, peer: IpAddr) -> IpAddr {
        let canonical = peer.to_canonical();
        let source = match canonical {
            IpAddr::V4(ip) if ip.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ if self.is_here(canonical) => canonical,
            IpAddr::V4(_) => self.first(IpAddr::is_ipv4, Ipv4Addr::new(10, 0, 0, 1).into()),
            IpAddr::V6(_) => self.first(IpAddr::is_ipv6, Ipv6Addr::from(0xfd00 << 112 | 1).into()),
        };
        match (peer, source) {
            (IpAddr::V6(_), IpAddr::V4(source)) => source.to_ipv6_mapped().into(),
            _ => source,
        }
    }

    fn first(&self, family: impl Fn(&IpAddr) -> bool, otherwise: IpAddr) -> IpAddr {
        self.hosts.iter().copied().find(family).unwrap_or(otherwise)
    }

    /// Takes `address` for a listener, or the next open port if it names none.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL` for an address of somebody else, `EADDRINUSE` for one that is taken or if no port
    /// is open.
    pub(crate) fn bind(&mut self, address: SocketAddr, shared: bool) -> Result<SocketAddr, Errno> {
        if !self.is_here(address.ip()) {
            return Err(Errno::ADDRNOTAVAIL);
        }
        let port = match address.port() {
            0 => self.hand_out().ok_or(Errno::ADDRINUSE)?,
            port => port,
        };
        let bound = self.listeners.entry(port).or_default();
        let ip = address.ip();
        let taken = |other: &Bound| overlap(ip, other.ip) && !(shared && other.shared);
        if bound.iter().any(taken) {
            return Err(Errno::ADDRINUSE);
        }
        let id = None;
        bound.push(Bound { ip, shared, id });
        Ok(SocketAddr::new(ip, port))
    }

    /// How many listeners there were at `port` before this one.
    pub(crate) fn count_listener(&mut self, port: u16) -> u32 {
        count(&mut self.named.entry(port).or_default().0)
    }

    /// How many connections there were to `port` before this one.
    pub(crate) fn count_connection(&mut self, port: u16) -> u32 {
        count(&mut self.named.entry(port).or_default().1)
    }

    /// Names the listener that was bound last at `address`.
    pub(crate) fn name(&mut self, address: SocketAddr, id: Id) {
        let bound = self.listeners.entry(address.port()).or_default();
        let mine = bound.iter_mut().rev().find(|bound| bound.id.is_none());
        if let Some(bound) = mine {
            bound.id = Some(id);
        }
    }

    /// Gives a listener's address back.
    pub(crate) fn release(&mut self, address: SocketAddr, id: Id) {
        if let Some(bound) = self.listeners.get_mut(&address.port()) {
            bound.retain(|bound| bound.id != Some(id));
            if bound.is_empty() {
                self.listeners.remove(&address.port());
            }
        }
    }

    /// Who listens at `address`: the most exact listener first, several only if they share.
    pub(crate) fn listeners(&self, address: SocketAddr, into: &mut Vec<Id>) {
        into.clear();
        let Some(bound) = self.listeners.get(&address.port()) else {
            return;
        };
        let ip = address.ip().to_canonical();
        let exact = |bound: &&Bound| bound.ip.to_canonical() == ip;
        let open = |bound: &&Bound| bound.ip.is_unspecified() && overlap(ip, bound.ip);
        into.extend(bound.iter().filter(exact).filter_map(|bound| bound.id));
        if into.is_empty() {
            into.extend(bound.iter().filter(open).filter_map(|bound| bound.id));
        }
    }

    /// Takes the next open port for a call.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL` if none is open.
    pub(crate) fn take(&mut self) -> Result<u16, Errno> {
        let port = self.hand_out().ok_or(Errno::ADDRNOTAVAIL)?;
        *self.callers.entry(port).or_default() += 1;
        Ok(port)
    }

    /// Gives a port back that was taken for a call.
    pub(crate) fn give_back(&mut self, port: u16) {
        if let Some(count) = self.callers.get_mut(&port) {
            *count -= 1;
            if *count == 0 {
                self.callers.remove(&port);
            }
        }
    }

    fn hand_out(&mut self) -> Option<u16> {
        for _ in Self::FIRST..=Self::LAST {
            let port = self.next;
            self.next = if port == Self::LAST {
                Self::FIRST
            } else {
                port + 1
            };
            if !self.listeners.contains_key(&port) && !self.callers.contains_key(&port) {
                return Some(port);
            }
        }
        None
    }
}

fn count(counted: &mut u32) -> u32 {
    let before = *counted;
    *counted = before.wrapping_add(1);
    before
}

/// Whether a packet could be meant for both: the same address, or one that stands for all. All of IPv6
/// stands for all of IPv4 too.
fn overlap(one: IpAddr, other: IpAddr) -> bool {
    let covers = |all: IpAddr, ip: IpAddr| {
        all.is_unspecified() && (all.is_ipv6() || ip.to_canonical().is_ipv4())
    };
    one.to_canonical() == other.to_canonical() || covers(one, other) || covers(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_taken_once_unless_both_share() {
        let mut ports = Ports::new(vec![]);
        assert!(ports.bind(address("127.0.0.1:80"), false).is_ok());
        assert_eq!(
            ports.bind(address("127.0.0.1:80"), true),
            Err(Errno::ADDRINUSE)
        );
        assert_eq!(
            ports.bind(address("0.0.0.0:80"), false),
            Err(Errno::ADDRINUSE)
        );
        assert_eq!(ports.bind(address("[::]:80"), false), Err(Errno::ADDRINUSE));
        assert!(ports.bind(address("127.0.0.2:80"), false).is_ok());
        assert!(ports.bind(address("[::1]:80"), false).is_ok());
        assert!(ports.bind(address("127.0.0.1:81"), true).is_ok());
        assert!(ports.bind(address("127.0.0.1:81"), true).is_ok());
        assert_eq!(
            ports.bind(address("9.9.9.9:80"), false),
            Err(Errno::ADDRNOTAVAIL)
        );
    }

    #[test]
    fn the_most_exact_listener_is_found() {
        let mut ports = Ports::new(vec![]);
        let mut found = Vec::new();
        let all = Id::new(1, 0);
        ports.bind(address("0.0.0.0:80"), true).unwrap();
        ports.name(address("0.0.0.0:80"), all);
        let one = Id::new(2, 0);
        ports.bind(address("127.0.0.2:80"), true).unwrap();
        ports.name(address("127.0.0.2:80"), one);
        ports.listeners(address("127.0.0.2:80"), &mut found);
        assert_eq!(found, [one]);
        ports.listeners(address("127.0.0.1:80"), &mut found);
        assert_eq!(found, [all]);
        ports.release(address("0.0.0.0:80"), all);
        ports.listeners(address("127.0.0.1:80"), &mut found);
        assert!(found.is_empty());
    }

    #[test]
    fn ports_run_out_and_come_back() {
        let mut ports = Ports::new(vec![]);
        let taken: Vec<u16> = std::iter::from_fn(|| ports.take().ok()).collect();
        assert_eq!(taken.len(), usize::from(Ports::LAST - Ports::FIRST) + 1);
        assert_eq!(
            ports.bind(address("127.0.0.1:0"), false),
            Err(Errno::ADDRINUSE)
        );
        ports.give_back(taken[7]);
        assert_eq!(
            ports.bind(address("127.0.0.1:0"), false),
            Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), taken[7]))
        );
    }
}
