//! A process without descriptors. A binary of its own, since the limit is the process's.

mod common;

use std::net::TcpStream;

use bibelot_reactor::{Op, Outcome, Reactor};
use bibelot_uring::{SetupError, UringConfig, probe};
use common::{accepted, descriptors, everywhere};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn what_cannot_be_opened_is_an_error_and_waits_in_the_backlog() {
    everywhere(|desk| {
        let (listener, address) = desk.listen();
        let mut peers: Vec<TcpStream> = (0..3)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        // The listing of the table takes one itself.
        let limit = Limit::lower(descriptors() as u64);
        let full: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        let end = desk.run(Op::Accept {
            listener: listener.clone(),
            many: true,
        });
        assert_eq!(end.result.unwrap_err().raw_os_error(), Some(libc::EMFILE));
        assert!(matches!(
            probe(&UringConfig::default()),
            Err(SetupError::NoDescriptor { .. })
        ));
        drop(full);
        drop(limit);
        while !peers.is_empty() {
            let end = desk.run(Op::Accept {
                listener: listener.clone(),
                many: false,
            });
            accepted(end);
            peers.pop();
        }
        let token = desk.submit(Op::Accept {
            listener,
            many: true,
        });
        desk.look();
        desk.uring.cancel(token);
        assert!(matches!(desk.end_of(token).result, Ok(Outcome::Paused)));
    });
}

/// A lower limit on open files, until it is dropped.
struct Limit(Rlimit);

impl Limit {
    fn lower(count: u64) -> Self {
        let before = getrlimit(Resource::Nofile);
        let lower = Rlimit {
            current: Some(count),
            ..before
        };
        setrlimit(Resource::Nofile, lower).unwrap();
        Self(before)
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).unwrap();
    }
}
