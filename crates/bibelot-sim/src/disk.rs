//! The disk: files by path, in memory.
//!
//! Paths are plain names: no directories need to be made, and none can be listed. What is written is
//! there at once and for ever; faults and crashes come with the full world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bibelot_reactor::OpenHow;

use crate::errno::Errno;
use crate::spot::Spot;

/// All files.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    paths: BTreeMap<PathBuf, usize>,
    contents: Vec<Vec<u8>>,
    opened: u32,
}

/// A file held open.
#[derive(Debug, Default)]
pub(crate) struct OpenFile {
    inode: usize,
    read: bool,
    write: bool,
    append: bool,
    pub(crate) spot: Spot,
}

impl Disk {
    /// The longest a file may be: memory is not a disk.
    const FILE_LEN_MAX: usize = 1 << 30;

    /// Puts a file there before the program runs.
    pub(crate) fn put(&mut self, path: PathBuf, content: Vec<u8>) {
        let inode = self.contents.len();
        self.contents.push(content);
        self.paths.insert(path, inode);
    }

    /// Opens a file, or makes it.
    ///
    /// # Errors
    ///
    /// `EINVAL` for switches that contradict each other, `ENOENT` for a file that is not there, `EEXIST`
    /// for one that is there and must not be.
    pub(crate) fn open(&mut self, path: &Path, how: OpenHow) -> Result<OpenFile, Errno> {
        let writes = how.write || how.append;
        let makes = how.create || how.create_new;
        let unfit = if writes {
            how.append && how.truncate && !how.create_new
        } else {
            !how.read || how.truncate || makes
        };
        if unfit {
            return Err(Errno::INVAL);
        }
        if path.as_os_str().is_empty() {
            return Err(Errno::NOENT);
        }
        let inode = match self.paths.get(path) {
            Some(_) if how.create_new => return Err(Errno::EXIST),
            Some(&inode) => inode,
            None if makes => {
                self.put(path.to_owned(), Vec::new());
                self.contents.len() - 1
            }
            None => return Err(Errno::NOENT),
        };
        if how.truncate {
            self.contents[inode].clear();
        }
        let nth = self.opened;
        self.opened += 1;
        Ok(OpenFile {
            inode,
            read: how.read,
            write: writes,
            append: how.append,
            spot: Spot::file(nth),
        })
    }

    /// How much a read at `offset` finds.
    ///
    /// # Errors
    ///
    /// `EBADF` if the file is not open for reading, `EINVAL` for an offset beyond what files may have.
    pub(crate) fn readable(&self, file: &OpenFile, offset: u64) -> Result<&[u8], Errno> {
        if !file.read {
            return Err(Errno::BADF);
        }
        if i64::try_from(offset).is_err() {
            return Err(Errno::INVAL);
        }
        let content = &self.contents[file.inode];
        let start = usize::try_from(offset).map_or(content.len(), |start| start.min(content.len()));
        Ok(&content[start..])
    }

    /// Writes what fits of `data` at `offset`, and says how much that was.
    ///
    /// # Errors
    ///
    /// `EBADF` if the file is not open for writing, `EINVAL` for an offset beyond what files may have,
    /// `EFBIG` and `ENOSPC` where nothing fits.
    pub(crate) fn write(
        &mut self,
        file: &OpenFile,
        data: &[u8],
        offset: u64,
    ) -> Result<usize, Errno> {
        if !file.write {
            return Err(Errno::BADF);
        }
        let offset = i64::try_from(offset).map_err(|_| Errno::INVAL)?;
        if data.is_empty() {
            return Ok(0);
        }
        if offset == i64::MAX {
            return Err(Errno::FBIG);
        }
        let content = &mut self.contents[file.inode];
        let start = if file.append {
            content.len()
        } else {
            usize::try_from(offset).unwrap_or(usize::MAX)
        };
        let room = Self::FILE_LEN_MAX.saturating_sub(start);
        if room == 0 {
            return Err(Errno::NOSPC);
        }
        let count = data.len().min(room);
        if content.len() < start + count {
            content.resize(start + count, 0);
        }
        content[start..start + count].copy_from_slice(&data[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn how(text: &str) -> OpenHow {
        OpenHow {
            read: text.contains('r'),
            write: text.contains('w'),
            append: text.contains('a'),
            truncate: text.contains('t'),
            create: text.contains('c'),
            create_new: text.contains('n'),
            mode: 0,
        }
    }

    #[test]
    fn a_file_is_made_found_and_not_made_twice() {
        let mut disk = Disk::default();
        let path = Path::new("/etc/motd");
        assert_eq!(disk.open(path, how("r")).unwrap_err(), Errno::NOENT);
        let file = disk.open(path, how("wn")).unwrap();
        assert_eq!(disk.write(&file, b"abc", 3), Ok(3));
        assert_eq!(disk.open(path, how("wn")).unwrap_err(), Errno::EXIST);
        let again = disk.open(path, how("r")).unwrap();
        assert_eq!(disk.readable(&again, 0).unwrap(), b"\0\0\0abc");
        assert_eq!(disk.readable(&again, 99).unwrap(), b"");
        assert_eq!(disk.readable(&file, 0).unwrap_err(), Errno::BADF);
        disk.open(path, how("wt")).unwrap();
        assert_eq!(disk.readable(&again, 0).unwrap(), b"");
    }

    #[test]
    fn an_append_goes_to_the_end_whatever_it_names() {
        let mut disk = Disk::default();
        disk.put("log".into(), b"one".to_vec());
        let file = disk.open(Path::new("log"), how("a")).unwrap();
        assert_eq!(disk.write(&file, b"two", 0), Ok(3));
        let whole = disk.open(Path::new("log"), how("r")).unwrap();
        assert_eq!(disk.readable(&whole, 0).unwrap(), b"onetwo");
    }

    #[test]
    fn offsets_beyond_the_disk_are_errors_not_memory() {
        let mut disk = Disk::default();
        let file = disk.open(Path::new("big"), how("rwc")).unwrap();
        for (offset, errno) in [
            (1 << 30, Errno::NOSPC),
            (1 << 62, Errno::NOSPC),
            (i64::MAX as u64, Errno::FBIG),
            (u64::MAX, Errno::INVAL),
        ] {
            assert_eq!(disk.write(&file, b"x", offset), Err(errno));
        }
        assert_eq!(disk.readable(&file, u64::MAX).unwrap_err(), Errno::INVAL);
    }

    #[test]
    fn contradictions_are_refused() {
        let mut disk = Disk::default();
        for text in ["", "rt", "rc", "at", "rn"] {
            let result = disk.open(Path::new("x"), how(text));
            assert_eq!(result.unwrap_err(), Errno::INVAL, "{text:?}");
        }
        assert!(disk.open(Path::new(""), how("wc")).is_err());
    }
}
