//! The appetite: how large a receive a descriptor is worth.
//!
//! A receive that fills its buffer has to be repeated to learn that there is no more. So what fills the
//! usual buffers gets large ones, until several receives in a row would have fitted into the usual ones.

/// How large a buffer a receive gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Usual,
    Large,
}

/// After so many receives in a row that fit into the usual buffers, those will do.
const SMALL_MAX: u8 = 8;

/// What the last receives of one descriptor brought.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Appetite {
    /// How many receives may still be small before the usual buffers will do; 0 where they do.
    left: u8,
}

impl Appetite {
    /// A receive has brought so many bytes; the usual buffers have room for `usual_len`.
    pub(crate) fn fed(&mut self, len: usize, usual_len: usize) {
        self.left = match len >= usual_len {
            true => SMALL_MAX,
            false => self.left.saturating_sub(1),
        };
    }

    pub(crate) fn size(self) -> Size {
        match self.left {
            0 => Size::Usual,
            _ => Size::Large,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fills_its_buffers_gets_large_ones_until_it_stays_small() {
        let mut appetite = Appetite::default();
        appetite.fed(15, 16);
        assert_eq!(appetite.size(), Size::Usual);
        appetite.fed(16, 16);
        for _ in 0..SMALL_MAX {
            assert_eq!(appetite.size(), Size::Large);
            appetite.fed(1, 16);
        }
        assert_eq!(appetite.size(), Size::Usual);
    }
}
