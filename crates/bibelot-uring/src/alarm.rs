//! The alarm: the end of a wait where an enter cannot take a timeout along.
//!
//! Before each wait a timeout operation is queued, after it what is left of that is removed. Numbers tell
//! the present alarm from the completions of earlier ones.

use std::time::Duration;

use crate::ring::{Plain, Ring};
use crate::tag::Tag;

#[derive(Debug, Default)]
pub(crate) struct Alarm {
    number: u32,
    set: bool,
}

impl Alarm {
    pub(crate) fn set(&mut self, ring: &mut Ring, span: Duration) {
        self.number = self.number.wrapping_add(1);
        self.set = true;
        ring.push_alarm(span, Tag::alarm(self.number).bits());
    }

    /// A completion of the alarm `number` has come.
    pub(crate) fn rang(&mut self, number: u32) {
        if number == self.number {
            self.set = false;
        }
    }

    pub(crate) fn unset(&mut self, ring: &mut Ring) {
        if self.set {
            self.set = false;
            let user_data = Tag::alarm(self.number).bits();
            ring.push_plain(Plain::EndAlarm { user_data }, Tag::NOBODY.bits());
        }
    }
}
