//! The calls: the `match` over what has its answer at once.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use bibelot_reactor::{Call, Fd, Pending, Reply, unsupported};

use super::World;
use crate::errno::Errno;
use crate::object::{Id, Object};
use crate::stream::Phase;

impl World {
    pub(crate) fn call(&mut self, call: Call) -> io::Result<Reply> {
        self.sweep();
        match call {
            Call::Listen { address, how } => Ok(Reply::Fd(self.listen(address, how)?)),
            Call::Socket { peer } => Ok(Reply::Fd(self.socket(peer.is_ipv6())?)),
            Call::LocalAddress { socket } => {
                let id = self.resolve(&socket)?;
                Ok(Reply::Address(self.local_address(id)?))
            }
            Call::PeerAddress { socket } => {
                let id = self.resolve(&socket)?;
                Ok(Reply::Address(self.peer_address(id)?))
            }
            Call::Shutdown { socket, how } => {
                let id = self.resolve(&socket)?;
                self.shut_down(id, how)?;
                Ok(Reply::Done)
            }
            Call::NoDelay { socket, on } => {
                *self.no_delay(&socket)? = on;
                Ok(Reply::Done)
            }
            Call::IsNoDelay { socket } => Ok(Reply::Flag(*self.no_delay(&socket)?)),
            Call::Pending { socket } => {
                let id = self.resolve(&socket)?;
                Ok(Reply::Pending(self.pending(id)?))
            }
            Call::Attend { .. } => Ok(Reply::Done),
            Call::Counters => Ok(Reply::Counters(self.counters)),
            other => Err(unsupported(other)),
        }
    }

    fn local_address(&mut self, id: Id) -> Result<SocketAddr, Errno> {
        match self.objects.get(id) {
            Some(Object::Listener(listener)) => Ok(listener.address),
            Some(Object::Stream(stream)) => Ok(stream.local.unwrap_or(if stream.is_v6 {
                (Ipv6Addr::UNSPECIFIED, 0).into()
            } else {
                (Ipv4Addr::UNSPECIFIED, 0).into()
            })),
            Some(Object::File(_)) => Err(Errno::NOTSOCK),
            None => Err(Errno::BADF),
        }
    }

    fn peer_address(&mut self, id: Id) -> Result<SocketAddr, Errno> {
        match self.objects.get(id) {
            Some(Object::Stream(stream)) if stream.phase == Phase::Open => {
                stream.peer_address.ok_or(Errno::NOTCONN)
            }
            Some(Object::File(_)) => Err(Errno::NOTSOCK),
            Some(_) => Err(Errno::NOTCONN),
            None => Err(Errno::BADF),
        }
    }

    /// What closing the stream `id` now would lose: what is still on its way to the other end.
    fn pending(&mut self, id: Id) -> Result<Pending, Errno> {
        let (peer, unread) = match self.objects.get(id) {
            Some(Object::Stream(stream)) => (stream.peer, stream.incoming.readable() > 0),
            Some(Object::Listener(_)) => return Err(Errno::INVAL),
            Some(Object::File(_)) => return Err(Errno::NOTSOCK),
            None => return Err(Errno::BADF),
        };
        let other = peer.and_then(|peer| self.objects.stream(peer));
        Ok(Pending {
            undelivered: other.map_or(0, |other| other.incoming.under_way()),
            unread,
        })
    }

    fn no_delay(&mut self, socket: &Fd) -> io::Result<&mut bool> {
        let id = self.resolve(socket)?;
        match self.objects.get_mut(id) {
            Some(Object::Stream(stream)) => Ok(&mut stream.no_delay),
            Some(Object::Listener(listener)) => Ok(&mut listener.no_delay),
            Some(Object::File(_)) => Err(Errno::NOTSOCK.into()),
            None => Err(Errno::BADF.into()),
        }
    }
}
