//! The buffer ring of the loop written by hand: pieces of one block, as many as can be in flight.

#![allow(unsafe_code, reason = "the ring is shared with the operating system")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

/// The group's number.
pub const GROUP: u16 = 0;

/// Buffers of one length, and the ring in which they lie ready.
pub struct Buffers {
    places: NonNull<BufRingEntry>,
    layout: Layout,
    bytes: Vec<u8>,
    len: usize,
    count: u16,
    tail: u16,
}

impl Buffers {
    /// Registers a ring and lays all buffers ready. `count` is a power of two.
    pub fn register(io: &IoUring, count: u16, len: usize) -> io::Result<Self> {
        let size = usize::from(count) * size_of::<BufRingEntry>();
        let layout = Layout::from_size_align(size, 4096).map_err(io::Error::other)?;
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc_zeroed(layout) };
        let Some(places) = NonNull::new(memory.cast::<BufRingEntry>()) else {
            handle_alloc_error(layout);
        };
        let mut buffers = Self {
            places,
            layout,
            bytes: vec![0; usize::from(count) * len],
            len,
            count,
            tail: 0,
        };
        let address = places.as_ptr() as u64;
        // SAFETY: the memory is freed with the buffers, which live longer than the ring.
        unsafe {
            io.submitter()
                .register_buf_ring_with_flags(address, count, GROUP, 0)
        }?;
        (0..count).for_each(|number| buffers.put(number));
        buffers.publish();
        Ok(buffers)
    }

    /// The bytes of a buffer.
    pub fn bytes(&self, number: u16) -> &[u8] {
        &self.bytes[usize::from(number) * self.len..][..self.len]
    }

    /// Lays a buffer ready, to be seen when that is published.
    pub fn put(&mut self, number: u16) {
        let place = usize::from(self.tail & (self.count - 1));
        let address = self.bytes(number).as_ptr() as u64;
        // SAFETY: the place is below the count of places.
        let mut place = unsafe { self.places.add(place) };
        // SAFETY: it is initialised, being zeroed, and not looked at before it is published.
        let place = unsafe { place.as_mut() };
        place.set_addr(address);
        place.set_len(self.len as u32);
        place.set_bid(number);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Shows the operating system what was put.
    pub fn publish(&mut self) {
        // SAFETY: this is the first place, which is initialised.
        let tail = unsafe { BufRingEntry::tail(self.places.as_ptr()) };
        // SAFETY: the tail is two aligned bytes of the memory; all access to it is atomic.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        // Release: the places written before are seen with it.
        tail.store(self.tail, Ordering::Release);
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and the ring is closed.
        unsafe { dealloc(self.places.as_ptr().cast(), self.layout) }
    }
}
