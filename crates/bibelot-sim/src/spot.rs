//! The spot: the stable name under which an object asks its choices.
//!
//! A failure is found again by where it was asked, not by how many questions came before, so an object
//! is named by how it came about (the third connection to port 80, its calling side) and its questions
//! are counted by itself. In the chooser's tree of tasks the world is a child of the root whose number no
//! task has.

/// Where choices are asked, and how many were asked there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    path: [u32; 4],
    asked: u64,
}

impl Spot {
    /// No task has so many elder siblings.
    const ROOT: u32 = u32::MAX;
    const LISTENER: u32 = 1;
    const SOCKET: u32 = 2;
    const CALLER: u32 = 3;
    const CALLED: u32 = 4;
    const FILE: u32 = 5;
    const WORLD: u32 = 6;

    /// The `nth` listener at `port`.
    pub(crate) fn listener(port: u16, nth: u32) -> Self {
        Self::named(Self::LISTENER, u32::from(port), nth)
    }

    /// The `nth` socket that is not connected yet.
    pub(crate) fn socket(nth: u32) -> Self {
        Self::named(Self::SOCKET, nth, 0)
    }

    /// The side that called, in the `nth` connection to `port`.
    pub(crate) fn caller(port: u16, nth: u32) -> Self {
        Self::named(Self::CALLER, u32::from(port), nth)
    }

    /// The side that was called, in the `nth` connection to `port`.
    pub(crate) fn called(port: u16, nth: u32) -> Self {
        Self::named(Self::CALLED, u32::from(port), nth)
    }

    /// The `nth` file that was opened.
    pub(crate) fn file(nth: u32) -> Self {
        Self::named(Self::FILE, nth, 0)
    }

    /// What belongs to no object: `what` tells the subjects apart.
    pub(crate) fn world(what: u32) -> Self {
        Self::named(Self::WORLD, what, 0)
    }

    fn named(what: u32, first: u32, second: u32) -> Self {
        Self {
            path: [Self::ROOT, what, first, second],
            asked: 0,
        }
    }

    pub(crate) fn path(&self) -> &[u32] {
        &self.path
    }

    /// Counts one more question, and says which it is.
    pub(crate) fn ask(&mut self) -> u64 {
        let nth = self.asked;
        self.asked = nth + 1;
        nth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_questions_have_one_name() {
        let mut spots = [
            Spot::listener(80, 0),
            Spot::listener(80, 1),
            Spot::socket(80),
            Spot::caller(80, 0),
            Spot::called(80, 0),
            Spot::called(80, 1),
            Spot::file(80),
            Spot::world(0),
        ];
        let mut names = Vec::new();
        for spot in &mut spots {
            for _ in 0..3 {
                let nth = spot.ask();
                names.push((spot.path().to_vec(), nth));
            }
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 24);
    }
}
