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
#[cfg(not(loom))]
use std::ptr;
use std::sync::OnceLock;

use super::atomic::FIRST_BLOCK;
use super::cell::Record;

/// Enough for 2^32 slots: the blocks hold `FIRST_BLOCK * (2^BLOCKS - 1)` records.
const BLOCKS: usize = 33 - FIRST_BLOCK.ilog2() as usize;

/// The records of one kernel.
pub(super) struct Blocks([OnceLock<Box<[Record]>>; BLOCKS]);

impl Blocks {
    /// No block yet.
    pub(super) const fn new() -> Self {
        Self([const { OnceLock::new() }; BLOCKS])
    }

    /// The record of a slot; its block is made if it is not there.
    #[inline]
    pub(super) fn at(&self, slot: u32) -> &Record {
        let (block, index) = place(slot);
        match self.0[block].get() {
            Some(records) => &records[index],
            None => &self.make(block)[index],
        }
    }

    #[cold]
    fn make(&self, block: usize) -> &[Record] {
        self.0[block].get_or_init(|| vacant(size(block)))
    }

    /// The record of a slot, if its block is there.
    pub(super) fn get(&self, slot: u32) -> Option<&Record> {
        let (block, index) = place(slot);
        Some(&self.0[block].get()?[index])
    }

    /// All records there are, with their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Record)> {
        let made = self
            .0
            .iter()
            .enumerate()
            .filter_map(|(block, made)| Some((block, made.get()?)));
        made.flat_map(|(block, records)| {
            let base = size(block) - FIRST_BLOCK;
            // Slots past `u32::MAX` at the end of the last block have no name, and no tenant either.
            (base..)
                .map_while(|slot| u32::try_from(slot).ok())
                .zip(records)
        })
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
    let block = (position.ilog2() - FIRST_BLOCK.ilog2()) as usize;
    (block, position - size(block))
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
