//! The table: a row for each descriptor number, found without hashing.
//!
//! Descriptor numbers are small and dense, because the operating system gives out the lowest free one.
//! Rows lie in pages that are made when a number on them is first used, so that one lonely high number
//! costs one page and not a table as long as the number is high.
//!
//! # Invariants
//!
//! - A page, once made, stays.

/// How many rows a page has.
const PAGE_LEN: usize = 128;

#[derive(Debug)]
pub(crate) struct Table<T> {
    pages: Vec<Option<Box<[T]>>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

impl<T: Default> Table<T> {
    pub(crate) fn get(&self, number: usize) -> Option<&T> {
        let page = self.pages.get(number / PAGE_LEN)?.as_ref()?;
        page.get(number % PAGE_LEN)
    }

    pub(crate) fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        let page = self.pages.get_mut(number / PAGE_LEN)?.as_mut()?;
        page.get_mut(number % PAGE_LEN)
    }

    /// The row of `number`, made if it was not there.
    pub(crate) fn row(&mut self, number: usize) -> &mut T {
        let index = number / PAGE_LEN;
        if index >= self.pages.len() {
            self.pages.resize_with(index + 1, || None);
        }
        let page = self.pages[index].get_or_insert_with(|| {
            let rows = (0..PAGE_LEN).map(|_| T::default());
            rows.collect()
        });
        &mut page[number % PAGE_LEN]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_apart_and_stay() {
        let mut table = Table::<u32>::default();
        for number in [0, 1, 127, 128, 100_000] {
            *table.row(number) = number as u32 + 1;
        }
        for number in [0, 1, 127, 128, 100_000] {
            assert_eq!(table.get(number), Some(&(number as u32 + 1)));
        }
        assert_eq!(table.get(5_000), None);
        assert_eq!(table.get_mut(1_000_000), None);
    }

    #[test]
    fn a_lonely_high_number_costs_one_page() {
        let mut table = Table::<u64>::default();
        *table.row(10_000_000) = 1;
        assert_eq!(table.pages.iter().flatten().count(), 1);
    }
}
