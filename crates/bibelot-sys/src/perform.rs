//! The bodies that may block, for a worker thread.
//!
//! Each is the plain system call, or the standard library's, on the thread that calls it. A job's panic
//! is its result.

use std::fs::OpenOptions;
use std::io;
use std::net::ToSocketAddrs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bibelot_reactor::{Buf, Fd, Op, OpenHow, Outcome, unsupported};
use rustix::fs::{fdatasync, fsync};
use rustix::io::{pread, pwrite, retry_on_intr};

use crate::child::spawn;
use crate::close::close_blocking;

/// Does an operation that [`attempt`](crate::attempt) called blocking, on this thread, to its end.
///
/// The buffer is the one that the operation owned.
pub fn perform(op: Op) -> (io::Result<Outcome>, Option<Buf>) {
    match op {
        Op::ReadAt {
            file,
            mut buf,
            offset,
        } => {
            let result = read_at(&file, &mut buf, offset);
            (result.map(Outcome::Count), Some(buf))
        }
        Op::WriteAt { file, buf, offset } => {
            let result = write_at(&file, &buf, offset);
            (result.map(Outcome::Count), Some(buf))
        }
        Op::Sync { file, data_only } => (sync(&file, data_only), None),
        Op::Open { path, how } => (open(&path, how), None),
        Op::Resolve { host, port } => (resolve(&host, port), None),
        Op::Close { fd } => (close_blocking(fd), None),
        Op::Spawn(program) => (spawn(program).map(Outcome::Spawned), None),
        Op::Job(job) | Op::Thread(job) => {
            let result = catch_unwind(AssertUnwindSafe(job.0));
            (Ok(Outcome::Finished(result)), None)
        }
        other => (Err(unsupported(other.kind())), other.into_buf()),
    }
}

fn read_at(file: &Fd, buf: &mut Buf, offset: u64) -> io::Result<usize> {
    let file = file.as_fd()?;
    let count = retry_on_intr(|| pread(file, &mut *buf.spare_mut(), offset))?;
    buf.extend(count);
    Ok(count)
}

fn write_at(file: &Fd, data: &[u8], offset: u64) -> io::Result<usize> {
    let file = file.as_fd()?;
    Ok(retry_on_intr(|| pwrite(file, data, offset))?)
}

fn sync(file: &Fd, data_only: bool) -> io::Result<Outcome> {
    let file = file.as_fd()?;
    if data_only {
        retry_on_intr(|| fdatasync(file))?;
    } else {
        retry_on_intr(|| fsync(file))?;
    }
    Ok(Outcome::Done)
}

fn open(path: &Path, how: OpenHow) -> io::Result<Outcome> {
    let mode = match how.mode {
        0 => 0o666,
        mode => mode,
    };
    let file = OpenOptions::new()
        .read(how.read)
        .write(how.write)
        .append(how.append)
        .truncate(how.truncate)
        .create(how.create)
        .create_new(how.create_new)
        .mode(mode)
        .open(path)?;
    Ok(Outcome::Opened(Fd::from(OwnedFd::from(file))))
}

fn resolve(host: &str, port: u16) -> io::Result<Outcome> {
    let found = (host, port).to_socket_addrs()?;
    Ok(Outcome::Resolved(found.collect()))
}
