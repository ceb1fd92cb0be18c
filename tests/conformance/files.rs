//! Files: opened, written, read, synced.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::process;

use bibelot_reactor::{Buf, Fd, Op, OpenHow, Outcome};

use crate::backends::everywhere;
use crate::streams::pattern;
use crate::world::World;

/// A place for files, which is removed with everything in it.
struct Scratch {
    dir: PathBuf,
    is_real: bool,
}

impl Scratch {
    fn new(world: &World) -> Self {
        let dir = std::env::temp_dir().join(format!("bibelot-conformance-{}", process::id()));
        let is_real = world.backend.is_real();
        if is_real {
            fs::create_dir_all(&dir).unwrap();
        }
        Self { dir, is_real }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_real {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

const NEW: OpenHow = OpenHow {
    read: true,
    write: true,
    append: false,
    truncate: false,
    create: false,
    create_new: true,
    mode: 0o600,
};

const READ: OpenHow = OpenHow {
    read: true,
    write: false,
    append: false,
    truncate: false,
    create: false,
    create_new: false,
    mode: 0,
};

fn open(world: &mut World, path: PathBuf, how: OpenHow) -> io::Result<Fd> {
    match world.run(Op::Open { path, how }).result? {
        Outcome::Opened(fd) => Ok(fd),
        other => panic!("expected a file, came {other:?}"),
    }
}

fn write_at(file: &Fd, data: &[u8], offset: u64) -> Op {
    Op::WriteAt {
        file: file.clone(),
        buf: Buf::from(data.to_vec()),
        offset,
    }
}

fn read_at(file: &Fd, capacity: usize, offset: u64) -> Op {
    Op::ReadAt {
        file: file.clone(),
        buf: Buf::with_capacity(capacity),
        offset,
    }
}

fn write_all(world: &mut World, file: &Fd, data: &[u8], offset: u64) {
    let mut done = 0;
    while done < data.len() {
        let (count, _) = world.count(write_at(file, &data[done..], offset + done as u64));
        assert!(count > 0);
        done += count;
    }
}

fn read_all(world: &mut World, file: &Fd) -> Vec<u8> {
    let mut data = Vec::new();
    loop {
        let (count, buf) = world.count(read_at(file, 1000, data.len() as u64));
        if count == 0 {
            return data;
        }
        data.extend_from_slice(&buf);
    }
}

#[test]
fn what_is_written_can_be_read_where_it_was_put() {
    everywhere(|world| {
        let scratch = Scratch::new(world);
        let file = open(world, scratch.path("plain"), NEW).unwrap();
        let data = pattern(0, 5_000);
        write_all(world, &file, &data, 0);
        write_all(world, &file, b"in the middle", 2_000);
        for data_only in [true, false] {
            world.done(Op::Sync {
                file: file.clone(),
                data_only,
            });
        }
        let mut expected = data;
        expected[2_000..2_013].copy_from_slice(b"in the middle");
        assert!(read_all(world, &file) == expected);
        world.close(file);
        let file = open(world, scratch.path("plain"), READ).unwrap();
        let (count, buf) = world.count(read_at(&file, 13, 2_000));
        assert_eq!((count, &*buf), (13, &b"in the middle"[..]));
        world.close(file);
    });
}

#[test]
fn a_read_behind_the_end_counts_nothing_and_a_gap_reads_as_zeros() {
    everywhere(|world| {
        let scratch = Scratch::new(world);
        let file = open(world, scratch.path("gap"), NEW).unwrap();
        assert_eq!(world.count(read_at(&file, 8, 0)).0, 0);
        write_all(world, &file, b"x", 100);
        assert_eq!(world.count(read_at(&file, 8, 101)).0, 0);
        let data = read_all(world, &file);
        assert!(data[..100].iter().all(|byte| *byte == 0) && data[100..] == *b"x");
    });
}

#[test]
fn a_read_puts_bytes_behind_what_the_buffer_holds() {
    everywhere(|world| {
        let scratch = Scratch::new(world);
        let file = open(world, scratch.path("behind"), NEW).unwrap();
        write_all(world, &file, b"cdef", 0);
        let mut buf = Buf::with_capacity(5);
        buf.push(b"ab");
        let read = Op::ReadAt {
            file: file.clone(),
            buf,
            offset: 0,
        };
        let (count, buf) = world.count(read);
        assert_eq!((count, &*buf), (3, &b"abcde"[..]));
    });
}

#[test]
fn a_file_is_opened_as_it_was_asked_for() {
    everywhere(|world| {
        let scratch = Scratch::new(world);
        let path = || scratch.path("how");
        let missing = open(world, path(), READ).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        let file = open(world, path(), NEW).unwrap();
        write_all(world, &file, b"abcdef", 0);
        let again = open(world, path(), NEW).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);

        let append = OpenHow {
            append: true,
            ..OpenHow::default()
        };
        let end = open(world, path(), append).unwrap();
        write_all(world, &end, b"gh", 0);
        assert_eq!(read_all(world, &file), b"abcdefgh");

        let empty = OpenHow {
            write: true,
            truncate: true,
            ..OpenHow::default()
        };
        let empty = open(world, path(), empty).unwrap();
        assert_eq!(read_all(world, &file), b"");
        let kept = OpenHow {
            write: true,
            create: true,
            ..OpenHow::default()
        };
        write_all(world, &file, b"kept", 0);
        let kept = open(world, path(), kept).unwrap();
        assert_eq!(read_all(world, &file), b"kept");

        // Neither direction is there by itself.
        assert_eq!(world.error(read_at(&kept, 8, 0)).raw_os_error(), Some(9));
        let read_only = open(world, path(), READ).unwrap();
        let error = world.error(write_at(&read_only, b"x", 0));
        assert_eq!(error.raw_os_error(), Some(9), "EBADF, not {error}");
        for fd in [file, end, empty, kept, read_only] {
            world.close(fd);
        }
    });
}

#[test]
fn offsets_beyond_a_file_system_are_refused() {
    everywhere(|world| {
        let scratch = Scratch::new(world);
        let file = open(world, scratch.path("extreme"), NEW).unwrap();
        for offset in [u64::MAX, 1 << 63] {
            let error = world.error(write_at(&file, b"x", offset));
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{offset}: {error}");
            let error = world.error(read_at(&file, 1, offset));
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{offset}: {error}");
        }
    });
}

#[test]
fn a_cancelled_write_is_done_or_not_begun() {
    everywhere(|world| {
        let scratch = Scratch::new(world);
        let file = open(world, scratch.path("cancelled"), NEW).unwrap();
        for at in 0..40_u64 {
            let token = world.submit(write_at(&file, b"data", at * 4));
            world.cancel(token);
            let end = world.next(token);
            match end.result {
                Ok(Outcome::Count(count)) => assert_eq!(count, 4),
                _ => {
                    assert!(end.is_cancelled(), "{end:?}");
                    write_all(world, &file, b"late", at * 4);
                }
            }
        }
        let data = read_all(world, &file);
        assert_eq!(data.len(), 160);
        assert!(
            data.chunks(4)
                .all(|word| word == b"data" || word == b"late")
        );
    });
}
