//! The passage of time: what happens while the program waits.
//!
//! Time stands still while anything is ready. When nothing is, it jumps to the next event, or to the
//! moment until which the program waits, whichever is earlier.

use std::time::Duration;

use bibelot_reactor::Completion;
use bibelot_sched::Kind;

use super::World;
use crate::agenda::Event;
use crate::settings::nanos;

/// How a wait for the world went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// Something may be ready, or the time is up.
    Time,
    /// Nothing is under way, and nobody said until when to wait: no time will ever pass.
    Nothing,
}

/// Of how many events that come at the same time the world may choose the first.
const WINDOW: usize = 4;

impl World {
    /// A turn begins: it takes its time, and what is due happens.
    pub(crate) fn begin_turn(&mut self) {
        if self.settings.turn_ns > 0 {
            self.clock
                .jump(self.now_ns().saturating_add(self.settings.turn_ns));
        }
        self.happen();
    }

    /// Whether completions wait to be given out.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Lets time pass until something is ready, `timeout` is over or `called` says that the program is
    /// called from outside.
    pub(crate) fn pass(&mut self, timeout: Option<Duration>, called: impl Fn() -> bool) -> Passed {
        let limit_ns = timeout
            .map(|timeout| self.now_ns().saturating_add(nanos(timeout)))
            .filter(|limit_ns| *limit_ns < u64::MAX);
        while self.ready.is_empty() && !called() {
            let next_ns = self.agenda.next_ns().filter(|next_ns| *next_ns < u64::MAX);
            match (next_ns, limit_ns) {
                (Some(next_ns), _) if limit_ns.is_none_or(|limit_ns| next_ns <= limit_ns) => {
                    self.clock.jump(next_ns);
                    self.happen();
                }
                (_, Some(limit_ns)) => {
                    self.clock.jump(limit_ns);
                    break;
                }
                (_, None) => return Passed::Nothing,
            }
        }
        Passed::Time
    }

    /// Gives out what is ready.
    pub(crate) fn give(&mut self, ends: &mut Vec<Completion>) {
        while let Some(completion) = self.give_one() {
            ends.push(completion);
        }
    }

    /// Gives out the first of what is ready.
    pub(super) fn give_one(&mut self) -> Option<Completion> {
        let completion = self.ready.pop()?;
        self.decider.saw(&completion);
        self.counters.completions += 1;
        Some(completion)
    }

    /// Lets everything happen that is due now.
    fn happen(&mut self) {
        self.sweep();
        let now_ns = self.now_ns();
        while let Some(event) = self.next_event(now_ns) {
            match event {
                Event::Arrive(id) => self.arrive(id),
                Event::Room(id) => self.hear_of_room(id),
                Event::Knock(id, nth) => self.knock((id, nth)),
                Event::Finish(token, serial) => self.finish(token, serial),
                Event::Cancel(token, serial) => self.cancel_late(token, serial),
            }
            self.sweep();
        }
    }

    /// Takes the next event that is due; of several, the world chooses.
    fn next_event(&mut self, now_ns: u64) -> Option<Event> {
        if !self.decider.is_asked() {
            return self.agenda.pop_due(now_ns);
        }
        while self.due.len() < WINDOW
            && let Some(event) = self.agenda.pop_due(now_ns)
        {
            self.due.push_back(event);
        }
        match self.due.len() {
            0 | 1 => self.due.pop_front(),
            count => {
                let nth = self.decider.ask(Kind::Io, &mut self.spots.order, count);
                self.due.remove(nth)
            }
        }
    }
}
