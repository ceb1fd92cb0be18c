//! The buffer ring: memory laid ready for receives, from which the operating system chooses.
//!
//! A page-aligned array is shared with the operating system. This side writes places at its tail, the
//! other side takes them at its head and says in each completion which one it used, by number.
//!
//! # Invariants
//!
//! - A piece whose number the operating system may still use lies in `pieces`; its bytes are on the heap
//!   and stay where they are.
//! - A number is either in `pieces` or in `vacant`.
//! - The ring's own memory is freed after the io_uring it is registered with was closed.

#![allow(unsafe_code, reason = "the array is shared with the operating system")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::io;
use std::mem::size_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

/// The only group of buffers of a reactor.
pub(crate) const GROUP: u16 = 0;
/// The most places such a ring can have.
const PLACES_MAX: u16 = 1 << 15;

pub(crate) struct BufferRing {
    places: NonNull<BufRingEntry>,
    layout: Layout,
    mask: u16,
    /// Where the next piece goes; the operating system sees it when it is published.
    tail: u16,
    pieces: Vec<Option<Vec<u8>>>,
    vacant: Vec<u16>,
}

impl BufferRing {
    /// Registers an empty ring of `places`, rounded up to a power of two.
    pub(crate) fn register(io: &IoUring, places: u16) -> io::Result<Self> {
        let count = places.clamp(1, PLACES_MAX).next_power_of_two();
        let bytes = usize::from(count) * size_of::<BufRingEntry>();
        let layout = Layout::from_size_align(bytes, rustix::param::page_size())
            .expect("a page is a power of two");
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc_zeroed(layout) };
        let Some(places) = NonNull::new(memory.cast::<BufRingEntry>()) else {
            handle_alloc_error(layout);
        };
        let ring = Self {
            places,
            layout,
            mask: count - 1,
            tail: 0,
            pieces: (0..count).map(|_| None).collect(),
            vacant: (0..count).rev().collect(),
        };
        let address = ring.places.as_ptr() as u64;
        let submitter = io.submitter();
        // SAFETY: the memory is freed when this struct is dropped, which `Uring` does after it closed the
        // io_uring.
        unsafe { submitter.register_buf_ring_with_flags(address, count, GROUP, 0) }?;
        Ok(ring)
    }

    /// How many places there are.
    pub(crate) fn capacity(&self) -> usize {
        self.pieces.len()
    }

    /// How many pieces lie in it.
    pub(crate) fn len(&self) -> usize {
        self.pieces.len() - self.vacant.len()
    }

    /// Lays a piece ready, to be seen when it is published. It comes back if there is no place.
    pub(crate) fn put(&mut self, mut piece: Vec<u8>) -> Result<(), Vec<u8>> {
        let Some(number) = self.vacant.pop() else {
            return Err(piece);
        };
        let place = usize::from(self.tail & self.mask);
        // SAFETY: the place is below the count of places, by the mask.
        let mut place = unsafe { self.places.add(place) };
        // SAFETY: it is initialised, being zeroed when made, and the operating system does not look at it
        // before it is published; the tail, which it does look at, is only read there.
        let place = unsafe { place.as_mut() };
        place.set_addr(piece.as_mut_ptr() as u64);
        place.set_len(u32::try_from(piece.len()).unwrap_or(u32::MAX));
        place.set_bid(number);
        self.tail = self.tail.wrapping_add(1);
        self.pieces[usize::from(number)] = Some(piece);
        Ok(())
    }

    /// Shows the operating system what was put.
    pub(crate) fn publish(&mut self) {
        // SAFETY: this is the address of the first place, which is initialised.
        let tail = unsafe { BufRingEntry::tail(self.places.as_ptr()) };
        // SAFETY: the tail is two aligned bytes of the ring's memory, which lives; all access to it is
        // atomic.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        // Release: the places written before are seen with it.
        tail.store(self.tail, Ordering::Release);
    }

    /// Takes out the piece that the operating system has used.
    pub(crate) fn take(&mut self, number: u16) -> Option<Vec<u8>> {
        let piece = self.pieces.get_mut(usize::from(number))?.take()?;
        self.vacant.push(number);
        Some(piece)
    }
}

impl Drop for BufferRing {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and the operating system has let go of it.
        unsafe { dealloc(self.places.as_ptr().cast(), self.layout) }
    }
}

impl fmt::Debug for BufferRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferRing")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
