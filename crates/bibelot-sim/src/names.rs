//! The names: what the simulated resolver knows.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Hosts and their addresses, in the resolver's order.
#[derive(Clone, Debug)]
pub(crate) struct Names(BTreeMap<String, Vec<IpAddr>>);

impl Default for Names {
    /// `localhost` only, and that on IPv4.
    fn default() -> Self {
        let localhost = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        Self(BTreeMap::from([("localhost".to_owned(), localhost)]))
    }
}

impl Names {
    pub(crate) fn put(&mut self, host: &str, addresses: Vec<IpAddr>) {
        self.0.insert(host.to_ascii_lowercase(), addresses);
    }

    /// The addresses of `host`.
    ///
    /// # Errors
    ///
    /// If nobody knows it, or it has none.
    pub(crate) fn find(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match self.0.get(&host.to_ascii_lowercase()) {
            Some(found) if !found.is_empty() => {
                Ok(found.iter().map(|ip| SocketAddr::new(*ip, port)).collect())
            }
            _ => Err(io::Error::other(format!(
                "failed to look up {host:?}: name or service not known"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_strangers_are_not() {
        let mut names = Names::default();
        names.put("Cheese.Example", vec![Ipv4Addr::new(10, 0, 0, 7).into()]);
        let found = names.find("cheese.EXAMPLE", 80).unwrap();
        assert_eq!(found, ["10.0.0.7:80".parse().unwrap()]);
        assert!(names.find("stranger.example", 80).is_err());
        assert_eq!(names.find("localhost", 1).unwrap().len(), 1);
    }
}
