//! Work done elsewhere: by the disk, the resolver and the workers.
//!
//! It takes effect when its time has come, all of it at once; until then it can be taken back. The disk
//! reads and writes whole, as Linux does with regular files; short counts there are faults.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bibelot_reactor::{Buf, Fd, Op, Outcome, Token, unsupported};

use super::World;
use crate::errno::Errno;
use crate::object::Object;

impl World {
    /// Does the operation `token`, whose time has come.
    pub(super) fn finish(&mut self, token: Token, serial: u64) {
        let Some(flight) = self.flights.remove_serial(token, serial) else {
            return;
        };
        let mut op = flight.op;
        let result = match op {
            Op::ReadAt {
                ref file,
                ref mut buf,
                offset,
            } => self.read_at(file, buf, offset).map(Outcome::Count),
            Op::WriteAt {
                ref file,
                ref buf,
                offset,
            } => self.write_at(file, buf, offset).map(Outcome::Count),
            Op::Sync { .. } => Ok(Outcome::Done),
            Op::Open { ref path, how } => {
                let opened = if self.has_room() {
                    self.disk.open(path, how)
                } else {
                    Err(Errno::MFILE)
                };
                let opened = opened.map(|file| {
                    let id = self.objects.insert(Object::File(file));
                    Outcome::Opened(self.descriptor(id))
                });
                opened.map_err(Into::into)
            }
            Op::Resolve { ref host, port } => self.names.find(host, port).map(Outcome::Resolved),
            Op::Job(job) => {
                op = Op::Nop;
                Ok(Outcome::Finished(catch_unwind(AssertUnwindSafe(job.0))))
            }
            _ => Err(unsupported(op.kind())),
        };
        self.ready.end(token, result, op);
    }

    fn read_at(&mut self, file: &Fd, buf: &mut Buf, offset: u64) -> io::Result<usize> {
        let id = self.resolve(file)?;
        match self.objects.get(id) {
            Some(Object::File(file)) => Ok(buf.push(self.disk.readable(file, offset)?)),
            _ => Err(Errno::BADF.into()),
        }
    }

    fn write_at(&mut self, file: &Fd, data: &[u8], offset: u64) -> io::Result<usize> {
        let id = self.resolve(file)?;
        match self.objects.get(id) {
            Some(Object::File(file)) => Ok(self.disk.write(file, data, offset)?),
            _ => Err(Errno::BADF.into()),
        }
    }
}
