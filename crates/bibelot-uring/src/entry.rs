//! The entries: each operation as the operating system reads it.
//!
//! One `match`. What an entry names lies on the heap: the bytes of the operation's buffer, or what is put
//! beside the operation in its slot.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bibelot_reactor::{Buf, Fd, Interest, Op, OpenHow, unsupported};
use io_uring::types::{Fd as RingFd, FsyncFlags};
use io_uring::{opcode, squeue};
use rustix::fs::{FileType, Stat, fstat};
use socket2::SockAddr;

use crate::buffer_ring::GROUP;
use crate::slots::Extra;
use crate::{Abilities, Ability};

/// The most bytes that one entry moves, which is what Linux moves at most.
const LEN_MAX: usize = 0x7FFF_F000;

/// Writes the entry of `op`, which stays where its buffer's bytes do not move.
///
/// A close is written by [`close`].
pub(crate) fn entry(op: &mut Op, extra: &mut Extra, has: Abilities) -> io::Result<squeue::Entry> {
    Ok(match op {
        Op::Nop => opcode::Nop::new().build(),
        Op::Accept { listener, many } => {
            let (fd, flags) = (ring_fd(listener)?, libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK);
            if *many && has.has(Ability::MultishotAccept) {
                opcode::AcceptMulti::new(fd).flags(flags).build()
            } else {
                let (nobody, nothing) = (std::ptr::null_mut(), std::ptr::null_mut());
                opcode::Accept::new(fd, nobody, nothing)
                    .flags(flags)
                    .build()
            }
        }
        Op::Receive { socket } => {
            let fd = ring_fd(socket)?;
            if has.has(Ability::MultishotReceive) {
                opcode::RecvMulti::new(fd, GROUP).build()
            } else {
                opcode::Recv::new(fd, std::ptr::null_mut(), 0)
                    .buf_group(GROUP)
                    .build()
                    .flags(squeue::Flags::BUFFER_SELECT)
            }
        }
        Op::ReceiveInto { socket, buf } => {
            let spare = buf.spare_mut();
            opcode::Recv::new(ring_fd(socket)?, spare.as_mut_ptr(), len(spare)).build()
        }
        Op::Send { socket, buf } => send(ring_fd(socket)?, buf, 0).build(),
        Op::Connect { socket, peer } => {
            let address = Box::new(SockAddr::from(*peer));
            let fd = ring_fd(socket)?;
            let entry = opcode::Connect::new(fd, address.as_ptr().cast(), address.len()).build();
            *extra = Extra::Address(address);
            entry
        }
        Op::Ready { fd, interest } => {
            opcode::PollAdd::new(ring_fd(fd)?, poll_mask(*interest)).build()
        }
        Op::ReadAt { file, buf, offset } => {
            let spare = buf.spare_mut();
            opcode::Read::new(ring_fd(file)?, spare.as_mut_ptr(), len(spare))
                .offset(in_file(*offset)?)
                .build()
        }
        Op::WriteAt { file, buf, offset } => {
            opcode::Write::new(ring_fd(file)?, buf.as_ptr(), len(buf))
                .offset(in_file(*offset)?)
                .build()
        }
        Op::Sync { file, data_only } => {
            let mut flags = FsyncFlags::empty();
            flags.set(FsyncFlags::DATASYNC, *data_only);
            opcode::Fsync::new(ring_fd(file)?).flags(flags).build()
        }
        Op::Open { path, how } => open(path, *how, extra)?,
        other => return Err(unsupported(other.kind())),
    })
}

/// Writes the entry of a send that never waits, and of whose success no completion tells.
///
/// The operating system carries it out when it takes the entry. A completion comes only if not all was
/// sent: with an error, "would block" among them, or with a count.
pub(crate) fn quiet_send(socket: &Fd, buf: &Buf) -> io::Result<squeue::Entry> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_WAITALL;
    let entry = send(ring_fd(socket)?, buf, flags).build();
    Ok(entry.flags(squeue::Flags::SKIP_SUCCESS))
}

fn send(socket: RingFd, buf: &Buf, flags: i32) -> opcode::Send {
    opcode::Send::new(socket, buf.as_ptr(), len(buf)).flags(libc::MSG_NOSIGNAL | flags)
}

/// Writes the entry that closes `fd`, which may be known to be a socket.
///
/// Closing a regular file may write to the disk or free an unlinked file's blocks, so the operating
/// system is told to do it on a thread of its own.
pub(crate) fn close(fd: &OwnedFd, is_socket: bool) -> squeue::Entry {
    let entry = opcode::Close::new(RingFd(fd.as_raw_fd())).build();
    let is_file = |stat: Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    match !is_socket && fstat(fd).is_ok_and(is_file) {
        true => entry.flags(squeue::Flags::ASYNC),
        false => entry,
    }
}

/// Lets go of a descriptor that the operating system has closed.
pub(crate) fn closed(fd: impl IntoRawFd) {
    let _closed: RawFd = fd.into_raw_fd();
}

/// What is watched for an interest.
pub(crate) fn poll_mask(interest: Interest) -> u32 {
    let mask = match interest {
        Interest::Readable => libc::POLLIN | libc::POLLPRI | libc::POLLRDHUP,
        Interest::Writable => libc::POLLOUT,
    };
    u32::from(mask.cast_unsigned())
}

fn ring_fd(fd: &Fd) -> io::Result<RingFd> {
    Ok(RingFd(fd.as_fd()?.as_raw_fd()))
}

/// How many of `bytes` one entry moves.
pub(crate) fn len(bytes: &[u8]) -> u32 {
    bytes.len().min(LEN_MAX) as u32
}

/// An offset that the operating system does not read as "wherever the file is".
fn in_file(offset: u64) -> io::Result<u64> {
    match i64::try_from(offset) {
        Ok(_) => Ok(offset),
        Err(_) => Err(io::Error::from_raw_os_error(libc::EINVAL)),
    }
}

fn open(path: &Path, how: OpenHow, extra: &mut Extra) -> io::Result<squeue::Entry> {
    let flags = open_flags(how)?;
    let mode = match how.mode {
        0 => 0o666,
        mode => mode,
    };
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, "the path contains a zero byte")
    })?;
    let here = RingFd(libc::AT_FDCWD);
    let entry = opcode::OpenAt::new(here, path.as_ptr())
        .flags(flags)
        .mode(mode)
        .build();
    *extra = Extra::Path(path);
    Ok(entry)
}

/// The flags of open(2) that [`std::fs::OpenOptions`] would take.
fn open_flags(how: OpenHow) -> io::Result<i32> {
    let access = match (how.read, how.write, how.append) {
        (true, false, false) => libc::O_RDONLY,
        (false, true, false) => libc::O_WRONLY,
        (true, true, false) => libc::O_RDWR,
        (false, _, true) => libc::O_WRONLY | libc::O_APPEND,
        (true, _, true) => libc::O_RDWR | libc::O_APPEND,
        (false, false, false) => return Err(io::Error::from_raw_os_error(libc::EINVAL)),
    };
    let writes = how.write || how.append;
    let makes = how.truncate || how.create || how.create_new;
    let cuts_what_it_appends_to = how.append && how.truncate && !how.create_new;
    if (makes && !writes) || cuts_what_it_appends_to {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let creation = match (how.create, how.truncate, how.create_new) {
        (_, _, true) => libc::O_CREAT | libc::O_EXCL,
        (true, true, false) => libc::O_CREAT | libc::O_TRUNC,
        (true, false, false) => libc::O_CREAT,
        (false, true, false) => libc::O_TRUNC,
        (false, false, false) => 0,
    };
    Ok(access | creation | libc::O_CLOEXEC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    #[test]
    fn a_file_may_be_opened_in_the_ways_that_the_standard_library_allows() {
        for bits in 0..64_u32 {
            let is = |place: u32| bits & (1 << place) != 0;
            let how = OpenHow {
                read: is(0),
                write: is(1),
                append: is(2),
                truncate: is(3),
                create: is(4),
                create_new: is(5),
                mode: 0,
            };
            let missing = "/bibelot/is/not/here";
            let theirs = OpenOptions::new()
                .read(how.read)
                .write(how.write)
                .append(how.append)
                .truncate(how.truncate)
                .create(how.create)
                .create_new(how.create_new)
                .open(missing)
                .unwrap_err();
            let refused = theirs.kind() == io::ErrorKind::InvalidInput;
            assert_eq!(open_flags(how).is_err(), refused, "{how:?}: {theirs}");
        }
    }

    #[test]
    fn no_offset_means_wherever_the_file_is() {
        assert!(in_file(u64::MAX).is_err());
        assert!(in_file(i64::MAX as u64 + 1).is_err());
        assert_eq!(in_file(i64::MAX as u64).unwrap(), i64::MAX as u64);
    }
}
