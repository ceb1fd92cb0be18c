//! The decider: the one place through which the world asks its choices.
//!
//! World and kernel put their questions to one chooser, so that a run is one row of answers. Both go
//! through here, where each answer is added to the trace.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use bibelot_reactor::Completion;
use bibelot_sched::{Choice, Kind, Point, Site, TaskPath};

use crate::clock::SimClock;
use crate::report::Report;
use crate::settings::Span;
use crate::spot::Spot;
use crate::trace::{Trace, mix};

/// The choice that a simulated world and the kernel in it share. Clones ask the same chooser.
#[derive(Clone)]
pub struct SharedChoice(Rc<Shared>);

struct Shared {
    choice: RefCell<Box<dyn Choice>>,
    trace: Rc<Trace>,
    clock: SimClock,
}

impl Choice for SharedChoice {
    fn choose(&mut self, at: &Point<'_>) -> usize {
        let answer = self.0.choice.borrow_mut().choose(at);
        let site = at
            .at
            .task
            .steps()
            .iter()
            .fold(at.kind as u64, |site, step| mix(site, u64::from(*step)));
        let site = mix(site, at.at.nth);
        self.0
            .trace
            .chose(site, at.len(), answer, self.0.clock.now_ns());
        answer
    }
}

impl fmt::Debug for SharedChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedChoice")
            .field("trace", &self.0.trace)
            .finish_non_exhaustive()
    }
}

/// Asks the choices of the world, and keeps its trace.
pub(crate) struct Decider {
    choice: Option<SharedChoice>,
    trace: Rc<Trace>,
    clock: SimClock,
    report: Report,
}

impl Decider {
    pub(crate) fn new(
        choice: Option<Box<dyn Choice + Send>>,
        clock: SimClock,
        report: Report,
    ) -> Self {
        let trace = Rc::new(Trace::default());
        let choice = choice.map(|choice| {
            SharedChoice(Rc::new(Shared {
                choice: RefCell::new(choice),
                trace: trace.clone(),
                clock: clock.clone(),
            }))
        });
        Self {
            choice,
            trace,
            clock,
            report,
        }
    }

    /// The choice, for the kernel.
    pub(crate) fn choice(&self) -> Option<SharedChoice> {
        self.choice.clone()
    }

    /// Whether there is a chooser; without one every answer is 0.
    pub(crate) fn is_asked(&self) -> bool {
        self.choice.is_some()
    }

    /// Asks which of `ways` ways things go at `spot`; 0 is what production would do.
    pub(crate) fn ask(&mut self, kind: Kind, spot: &mut Spot, ways: usize) -> usize {
        let Some(choice) = &mut self.choice else {
            return 0;
        };
        let nth = spot.ask();
        let at = Site::new(TaskPath::new(spot.path()), nth);
        Point::plain(kind, at, ways).ask(choice)
    }

    /// Asks for a value out of `span`; production takes the least.
    pub(crate) fn draw(&mut self, spot: &mut Spot, span: Span) -> u64 {
        if span.is_fixed() || !self.is_asked() {
            return span.least_ns;
        }
        span.bucket(self.ask(Kind::Io, spot, Span::BUCKETS))
    }

    /// Adds a completion to the trace.
    pub(crate) fn saw(&self, completion: &Completion) {
        self.trace.saw(completion, self.clock.now_ns());
    }

    /// Shows the present state of the run to whoever holds its report.
    pub(crate) fn publish(&self) {
        self.report.publish(&self.trace, self.clock.now_ns());
    }
}
