//! The lookout: whether to look for a while before a thread sleeps, and when to end a sleep.
//!
//! A sleep costs the way into it and out of it, tens of microseconds in which nothing is done. Where the
//! answer comes sooner than that, a reactor that goes on looking has it earlier at the same price. That is
//! learned from the waits themselves: several short ones in a row that all ended by the same one or two
//! partners argue for looking. One that was long, or brought several at once, so that sleeping lets them
//! gather, argues against it. A look in vain doubles how many short waits the next one takes, so that a
//! machine on which looking does not pay (because the partner needs this very processor) does it ever less.
//!
//! Timers are late by the same tens of microseconds. How late is learned, too; a sleep is ended earlier by
//! that, and what is left of it is spent looking. Where one timer follows another sooner than that, every other
//! wait is a sleep of `most`, so that timers gather instead of keeping the processor busy one by one.
//!
//! # Invariants
//!
//! - A look takes at most `most`.
//! - After a long wait nothing is looked for until waits have proved short again, whatever was before.
//! - With `most` zero no clock is read and nothing is looked for.

use std::hint;
use std::time::{Duration, Instant};

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The time was up, or something came that nobody answers.
    Nothing,
    /// Something of one partner, whom this number tells from others.
    One(u32),
    /// Something of several.
    Several,
}

impl Came {
    /// Another thread's wake.
    pub const WAKE: Self = Self::One(u32::MAX);

    /// What has come so far, and this of a partner.
    #[must_use]
    pub fn and(self, partner: u32) -> Self {
        match self {
            Self::Nothing => Self::One(partner),
            Self::One(known) if known == partner => self,
            _ => Self::Several,
        }
    }
}

/// Decides about looks, and learns from waits.
///
/// A wait [`begins`](Self::begins), perhaps with a [`look`](Self::look), goes on with a sleep of
/// [`sleep_span`](Self::sleep_span) if nothing was found, and [ends](Self::ended).
#[derive(Debug)]
pub struct Lookout {
    most: Duration,
    /// How many waits in a row argued for looking.
    streak: u32,
    /// How many are needed.
    needed: u32,
    /// Who ended the waits of late.
    partners: [u32; 2],
    /// How much later than asked for sleeps end.
    lateness: Duration,
    /// The wait before had so short a timeout that it was looked through.
    was_near: bool,
    wait: Option<Wait>,
}

/// The wait that is under way.
#[derive(Clone, Copy, Debug)]
struct Wait {
    began: Instant,
    now: Instant,
    due: Option<Instant>,
    /// Until when it is looked for something.
    until: Option<Instant>,
    /// It sleeps for all of its timeout, and a little more.
    is_plain: bool,
    look: Look,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// None, or one that only bridges the rest of a timeout.
    None,
    Found,
    InVain,
}

/// How many short waits the first look takes, and the most it ever takes.
const NEEDED: (u32, u32) = (4, 4096);
/// How many pauses there are between two looks at the clock.
const PAUSES: usize = 8;

impl Lookout {
    /// One that looks for at most `most` at a time; zero is never.
    #[must_use]
    pub fn new(most: Duration) -> Self {
        Self {
            most,
            streak: 0,
            needed: NEEDED.0,
            partners: [u32::MAX - 1; 2],
            lateness: Duration::ZERO,
            was_near: false,
            wait: None,
        }
    }

    /// Whether the next wait begins with a look, unless its timeout is shorter still.
    #[must_use]
    pub fn is_eager(&self) -> bool {
        self.streak >= self.needed
    }

    /// A wait begins. Whether it begins with a [`look`](Self::look).
    #[must_use]
    pub fn begins(&mut self, timeout: Option<Duration>) -> bool {
        if self.most.is_zero() {
            return false;
        }
        let began = Instant::now();
        let due = timeout.and_then(|span| began.checked_add(span));
        let look = self.is_eager().then(|| began + self.most);
        let is_short = timeout.is_some_and(|span| span <= self.lateness);
        let is_plain = is_short && self.was_near;
        let is_near = is_short && !is_plain;
        self.was_near = is_near;
        let until = match (look, due) {
            (_, Some(due)) if is_near => Some(due),
            (Some(look), Some(due)) => Some(look.min(due)),
            (look, _) => look,
        };
        self.wait = Some(Wait {
            began,
            now: began,
            due,
            until,
            is_plain,
            look: match look {
                Some(_) if !is_near => Look::InVain,
                _ => Look::None,
            },
        });
        until.is_some()
    }

    /// Looks again and again whether something `is_there`, until the time for that is over.
    pub fn look(&mut self, mut is_there: impl FnMut() -> bool) -> bool {
        let Some(wait) = &mut self.wait else {
            return is_there();
        };
        loop {
            if is_there() {
                if wait.look == Look::InVain {
                    wait.look = Look::Found;
                }
                return true;
            }
            for _ in 0..PAUSES {
                hint::spin_loop();
            }
            wait.now = Instant::now();
            if wait.until.is_none_or(|until| wait.now >= until) {
                return false;
            }
        }
    }

    /// How long to sleep now in a wait that began with `timeout`; zero if its time is up. Longer than that by the
    /// time of a look where timers are close behind one another.
    #[must_use]
    pub fn sleep_span(&self, timeout: Option<Duration>) -> Option<Duration> {
        let Some(wait) = &self.wait else {
            return timeout;
        };
        let Some(due) = wait.due else {
            return timeout;
        };
        let left = due.saturating_duration_since(wait.now);
        Some(match wait.is_plain {
            true => left.max(self.most),
            false => left.saturating_sub(self.lateness),
        })
    }

    /// A wait, or a sleep in it, has ended. Whether a little of its timeout is left, to be spent on another
    /// [`look`](Self::look).
    pub fn ended(&mut self, came: Came) -> bool {
        let Some(wait) = self.wait.take() else {
            return false;
        };
        let now = Instant::now();
        self.learn(now - wait.began, came, wait.look);
        let due = wait.due.filter(|_| came == Came::Nothing && !wait.is_plain);
        let Some(due) = due else {
            return false;
        };
        let asked = due - self.lateness.min(due - wait.now);
        if wait.until != Some(due) && now >= asked {
            self.learn_lateness(now - asked);
        }
        let is_left = now < due && due - now <= self.most;
        if is_left {
            self.wait = Some(Wait {
                now,
                until: Some(due),
                look: Look::None,
                ..wait
            });
        }
        is_left
    }

    fn learn(&mut self, span: Duration, came: Came, look: Look) {
        let is_long = span > self.most * 2;
        match came {
            Came::Nothing if is_long => self.streak = 0,
            Came::Nothing => {}
            Came::Several => self.streak = 0,
            Came::One(partner) => {
                let is_known = self.partners.contains(&partner);
                if !is_known {
                    self.partners = [partner, self.partners[0]];
                }
                self.streak = match is_known && !is_long {
                    true => self.streak.saturating_add(1),
                    false => 0,
                };
            }
        }
        match look {
            Look::None => {}
            Look::Found => self.needed = NEEDED.0.max(self.needed - self.needed / 4),
            Look::InVain => {
                self.needed = NEEDED.1.min(self.needed * 2);
                self.streak = 0;
            }
        }
    }

    fn learn_lateness(&mut self, lateness: Duration) {
        let lateness = lateness.min(self.most * 2);
        self.lateness = (self.lateness * 7 + lateness) / 8;
        self.lateness = self.lateness.min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_micros(50);
    const SHORT: Duration = Duration::from_micros(30);
    const LONG: Duration = Duration::from_millis(5);

    fn lookout() -> Lookout {
        Lookout::new(MOST)
    }

    /// Waits that end by `came`, until it looks; how many.
    fn until_it_looks(lookout: &mut Lookout, came: Came) -> u32 {
        for count in 0..10_000 {
            if lookout.begins(None) {
                return count;
            }
            lookout.learn(SHORT, came, Look::None);
        }
        u32::MAX
    }

    #[test]
    fn it_looks_after_short_waits_for_one_partner_and_not_after_a_long_one() {
        let mut lookout = lookout();
        assert_eq!(until_it_looks(&mut lookout, Came::One(7)), NEEDED.0 + 1);
        lookout.learn(LONG, Came::One(7), Look::None);
        assert!(!lookout.begins(None));
    }

    #[test]
    fn two_partners_in_turns_are_answered_and_a_crowd_is_slept_for() {
        let mut lookout = lookout();
        for turn in 0..20 {
            lookout.learn(SHORT, Came::One(turn % 2), Look::None);
        }
        assert!(lookout.begins(None));
        for turn in 0..20 {
            lookout.learn(SHORT, Came::One(2 + turn % 5), Look::None);
            assert!(!lookout.begins(None));
        }
        assert_eq!(until_it_looks(&mut lookout, Came::Several), u32::MAX);
    }

    #[test]
    fn looks_in_vain_get_rare_and_frequent_again_when_they_pay() {
        let mut lookout = lookout();
        let mut looks = 0;
        for _ in 0..20_000 {
            let look = match lookout.begins(None) {
                true => Look::InVain,
                false => Look::None,
            };
            looks += u32::from(look == Look::InVain);
            lookout.learn(SHORT, Came::One(1), look);
        }
        assert!(looks < 20, "{looks} looks in vain");
        for _ in 0..100 {
            lookout.learn(SHORT, Came::One(1), Look::Found);
        }
        assert_eq!(lookout.needed, NEEDED.0);
    }

    #[test]
    fn a_look_in_vain_is_not_repeated_when_nothing_comes() {
        let mut lookout = lookout();
        until_it_looks(&mut lookout, Came::WAKE);
        assert!(lookout.begins(None) && !lookout.look(|| false));
        assert!(!lookout.ended(Came::Nothing));
        for _ in 0..100 {
            assert!(!lookout.begins(None));
            assert!(!lookout.ended(Came::Nothing));
        }
    }

    #[test]
    fn a_sleep_ends_earlier_by_how_late_they_were_and_never_before_its_time() {
        let mut lookout = lookout();
        let timeout = Some(LONG);
        for _ in 0..100 {
            lookout.learn_lateness(SHORT);
        }
        assert!(!lookout.begins(timeout));
        let span = lookout.sleep_span(timeout).unwrap();
        assert!(span < LONG && span > LONG - MOST, "{span:?}");
        // As long as they are late anyway it is looked for at once.
        assert!(lookout.begins(Some(SHORT / 2)));
        assert!(!lookout.look(|| false));
        assert_eq!(lookout.sleep_span(Some(SHORT / 2)), Some(Duration::ZERO));
        assert!(!lookout.ended(Came::Nothing));
    }

    #[test]
    fn of_timers_close_behind_one_another_every_other_is_slept_for() {
        let mut lookout = lookout();
        for _ in 0..100 {
            lookout.learn_lateness(SHORT);
        }
        let near = Some(Duration::from_nanos(100));
        for _ in 0..3 {
            assert!(lookout.begins(near) && !lookout.look(|| false));
            assert!(!lookout.ended(Came::Nothing));
            assert!(!lookout.begins(near));
            assert_eq!(lookout.sleep_span(near), Some(MOST));
            assert!(!lookout.ended(Came::Nothing), "it is late, and that is all");
        }
        // A long one between them is woken in time, as ever.
        assert!(!lookout.begins(Some(LONG)));
        assert!(lookout.sleep_span(Some(LONG)).unwrap() < LONG);
        assert!(lookout.ended(Came::Nothing) || lookout.wait.is_none());
        assert!(lookout.begins(near));
    }

    #[test]
    fn one_that_may_not_look_changes_nothing() {
        let mut lookout = Lookout::new(Duration::ZERO);
        assert_eq!(until_it_looks(&mut lookout, Came::WAKE), u32::MAX);
        assert_eq!(lookout.sleep_span(Some(LONG)), Some(LONG));
        assert!(!lookout.ended(Came::Nothing));
    }

    #[test]
    fn what_comes_of_one_partner_twice_comes_of_one() {
        let came = Came::Nothing.and(3).and(3);
        assert_eq!(came, Came::One(3));
        assert_eq!(came.and(4).and(3), Came::Several);
    }
}
