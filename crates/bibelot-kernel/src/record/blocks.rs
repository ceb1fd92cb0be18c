//! Blocks: records by slot, at addresses that stay.
//!
//! Block `k` holds `FIRST_BLOCK << k` records, so a slot's block follows from the position of its
//! highest bit, and 27 blocks hold every slot there can be. A block is made when a slot of it is first
//! used, and is freed with the last holder of them all. Nothing is ever moved. A record without a tenant is
//! all zeros, so that a large block comes from the operating system as it is and takes memory only as
//! its slots are used.
//!
//! # Invariants
//!
//! - A block, once there, is never replaced.

#![allow(unsafe_code, reason = "memory of zeros taken as records")]

#[cfg(not(loom))]
use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::atomic::FIRST_BLOCK;
use super::cell::Record;

/// Enough for 2^32 slots: the blocks hold `FIRST_BLOCK * (2^BLOCKS - 1)` records.
const BLOCKS: usize = 33 - FIRST_BLOCK.ilog2() as usize;

/// The records of one kernel: the first record of each block, or null.
pub(super) struct Blocks([AtomicPtr<Record>; BLOCKS]);

impl Blocks {
    /// No block yet.
    pub(super) const fn new() -> Self {
        Self([const { AtomicPtr::new(ptr::null_mut()) }; BLOCKS])
    }

    /// The record of a slot; its block is made if it is not there.
    #[inline]
    pub(super) fn at(&self, slot: u32) -> &Record {
        match self.get(slot) {
            Some(record) => record,
            None => self.make(slot),
        }
    }

    #[cold]
    fn make(&self, slot: u32) -> &Record {
        let (block, _) = place(slot);
        let made = Box::into_raw(vacant(size(block))).cast::<Record>();
        // Release gives the records to who acquires the pointer.
        let placed = self.0[block].compare_exchange(
            ptr::null_mut(),
            made,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if placed.is_err() {
            // SAFETY: it was made above, and nobody else has seen it.
            drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(made, size(block))) });
        }
        self.get(slot).expect("the block is there")
    }

    /// The record of a slot, if its block is there.
    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&Record> {
        let (block, index) = place(slot);
        // Acquire pairs with the release of `make`.
        let first = self.0[block].load(Ordering::Acquire);
        if first.is_null() {
            return None;
        }
        // SAFETY: the block has as many records as `place` has indices for it.
        let record = unsafe { first.add(index) };
        // SAFETY: a block that is there is not freed before `self`, and its records are only ever shared.
        Some(unsafe { &*record })
    }

    /// The records of a block, if it is there.
    fn records(&self, block: usize) -> Option<&[Record]> {
        let first = self.0[block].load(Ordering::Acquire);
        if first.is_null() {
            return None;
        }
        // SAFETY: so many records were made for the block, which is not freed before `self`.
        Some(unsafe { slice::from_raw_parts(first, size(block)) })
    }

    /// All records there are, with their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Record)> {
        let made = (0..BLOCKS).filter_map(|block| Some((block, self.records(block)?)));
        made.flat_map(|(block, records)| {
            let base = size(block) - FIRST_BLOCK;
            // Slots past `u32::MAX` at the end of the last block have no name, and no tenant either.
            (base..)
                .map_while(|slot| u32::try_from(slot).ok())
                .zip(records)
        })
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for (block, first) in self.0.iter_mut().enumerate() {
            let records = ptr::slice_from_raw_parts_mut(*first.get_mut(), size(block));
            if !records.is_null() {
                // SAFETY: `make` took it out of a box of this length, and nobody borrows `self` any more.
                drop(unsafe { Box::from_raw(records) });
            }
        }
    }
}

/// Records without tenants.
#[cfg(not(loom))]
fn vacant(count: usize) -> Box<[Record]> {
    let layout = Layout::array::<Record>(count).expect("a block fits into memory");
    // SAFETY: neither a block nor a record is of size zero.
    let records = unsafe { alloc_zeroed(layout) }.cast::<Record>();
    if records.is_null() {
        handle_alloc_error(layout);
    }
    let records = ptr::slice_from_raw_parts_mut(records, count);
    // SAFETY: it was just allocated by the global allocator with the layout of this slice, and zeros are
    // records: a record is made of atomic integers, and of atomic pointers, which may be null.
    unsafe { Box::from_raw(records) }
}

/// A model's atomics are more than their bytes.
#[cfg(loom)]
fn vacant(count: usize) -> Box<[Record]> {
    std::iter::repeat_with(Record::new).take(count).collect()
}

/// How many records a block holds.
fn size(block: usize) -> usize {
    FIRST_BLOCK << block
}

/// The block of a slot, and its place in it.
#[inline]
fn place(slot: u32) -> (usize, usize) {
    let position = slot as usize + FIRST_BLOCK;
    let highest = position.ilog2();
    let block = (highest - FIRST_BLOCK.ilog2()) as usize;
    (block, position ^ (1 << highest))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn slots_fill_the_blocks_without_gaps() {
        let mut expected = (0, 0);
        for slot in 0..100_000 {
            assert_eq!(place(slot), expected, "slot {slot}");
            expected.1 += 1;
            if expected.1 == size(expected.0) {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn the_last_slot_has_a_place() {
        let (block, index) = place(u32::MAX);
        assert_eq!(block, BLOCKS - 1);
        assert!(index < size(block));
    }

    #[test]
    fn a_block_is_made_when_it_is_first_used_and_stays_where_it_is() {
        let blocks = Blocks::new();
        assert!(blocks.get(100).is_none());
        let made: *const Record = blocks.at(100);
        assert!(blocks.get(0).is_none());
        blocks.at(0);
        assert!(std::ptr::eq(made, blocks.at(100)));
        let slots: Vec<u32> = blocks.iter().map(|(slot, _)| slot).collect();
        assert_eq!(slots, (0..192).collect::<Vec<u32>>());
    }

    #[test]
    fn records_of_zeros_are_like_new_ones() {
        // SAFETY: as in `vacant`.
        let zeros = unsafe { std::mem::zeroed::<Record>() };
        assert!(zeros.is_like(&Record::new()));
        assert!(vacant(64).iter().all(|record| record.is_like(&zeros)));
    }

    #[test]
    fn a_record_is_six_words() {
        assert_eq!(size_of::<Record>(), 48);
    }
}
