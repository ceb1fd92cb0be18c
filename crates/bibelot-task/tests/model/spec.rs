//! The specification: what a task is, without cells, words or halves of counts.

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Returned,
    Panicked,
    Aborted,
}

/// What a poll came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepEnd {
    Pending,
    Ready,
    Panic,
}

/// What a run comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    Stale,
    Parked,
    Woken,
    Ended(End),
}

/// What a run does first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    Stale,
    Drop,
    Poll,
}

/// One task. There are two rights to run it, the home's and everybody else's.
#[derive(Default, Debug)]
pub struct Spec {
    pub joinable: bool,
    pub loud_future: bool,
    pub loud_output: bool,

    pub ended: Option<End>,
    pub running: bool,
    pub asked: bool,
    /// Asked from afar: the next run hears of it.
    pub asked_away: bool,
    pub woken_home: bool,
    pub woken_away: bool,
    /// The home's right to run is given out.
    pub queued_home: bool,
    pub queued_away: bool,
    /// A runnable was dropped away from home: its right is gone.
    pub lost: bool,
    pub home_over: bool,
    /// What the poll under way came to.
    pub polled: Option<StepEnd>,
    pub polling: bool,

    pub runnables: usize,
    pub wakers: usize,
    pub refs: usize,
    pub handle: bool,
    /// A waker is in the joiner slot.
    pub joiner: bool,
    /// The output is in the cell.
    pub output: bool,

    pub rung: usize,
    pub outputs_dropped: usize,
    pub reports: usize,
}

impl Spec {
    /// How many references of all kinds there are.
    pub fn references(&self) -> usize {
        self.runnables + self.wakers + self.refs + usize::from(self.handle)
    }

    pub fn wake(&mut self, away: bool) {
        if self.ended.is_some() {
            return;
        }
        if away {
            self.woken_away = true;
            if !self.queued_away {
                self.queued_away = true;
                self.runnables += 1;
            }
            return;
        }
        self.woken_home = true;
        if !self.running && !self.queued_home {
            self.queued_home = true;
            self.runnables += 1;
        }
    }

    pub fn ask(&mut self, away: bool) {
        if self.ended.is_none() {
            if away {
                self.asked_away = true;
            } else {
                self.asked = true;
            }
            self.wake(away);
        }
    }

    /// A runnable is taken to be run.
    pub fn run_begins(&mut self) -> Begin {
        if self.ended.is_some() {
            return Begin::Stale;
        }
        if self.queued_home {
            self.queued_home = false;
        } else {
            assert!(self.queued_away, "a runnable without a right");
            self.queued_away = false;
        }
        self.woken_home |= self.woken_away;
        self.woken_away = false;
        self.asked |= self.asked_away;
        if self.running {
            Begin::Stale
        } else if self.asked {
            Begin::Drop
        } else if self.woken_home {
            self.woken_home = false;
            self.running = true;
            self.polling = true;
            Begin::Poll
        } else {
            Begin::Stale
        }
    }

    /// The future is polled.
    pub fn poll_begins(&mut self) {
        assert!(self.polling, "polled without a wake");
        self.polling = false;
    }

    /// The run is over; its runnable is gone, or given back.
    pub fn run_ends(&mut self, begin: Begin) -> Run {
        let run = match begin {
            Begin::Stale => Run::Stale,
            Begin::Drop => self.end(End::Aborted),
            Begin::Poll => {
                assert!(!self.polling, "not polled after a wake");
                self.running = false;
                match self.polled.take().expect("a poll has said what it came to") {
                    StepEnd::Ready => self.end(End::Returned),
                    StepEnd::Panic => self.end(End::Panicked),
                    StepEnd::Pending if self.asked => self.end(End::Aborted),
                    StepEnd::Pending if self.woken_home && !self.queued_home => {
                        self.queued_home = true;
                        return Run::Woken;
                    }
                    StepEnd::Pending => Run::Parked,
                }
            }
        };
        self.runnables -= 1;
        run
    }

    /// The task ends: the future is gone, who waited is told, and an output that nobody can take goes too.
    pub fn end(&mut self, end: End) -> Run {
        assert!(self.ended.is_none());
        self.ended = Some(end);
        self.reports += usize::from(self.loud_future);
        let owned = if self.joinable {
            self.handle
        } else {
            self.refs > 0
        };
        match end {
            // The output was still inside the future.
            End::Aborted => self.outputs_dropped += 1,
            End::Panicked => {
                self.outputs_dropped += 1;
                self.output = owned;
            }
            End::Returned if owned => self.output = true,
            End::Returned => self.drop_value(),
        }
        if std::mem::take(&mut self.joiner) {
            self.rung += 1;
        }
        Run::Ended(end)
    }

    /// The output in the cell is dropped there.
    pub fn drop_output(&mut self) {
        if std::mem::take(&mut self.output) && self.ended == Some(End::Returned) {
            self.drop_value();
        }
    }

    fn drop_value(&mut self) {
        self.outputs_dropped += 1;
        self.reports += usize::from(self.loud_output);
    }

    /// Something was let go of, at home or away: a task that nothing can wake any more ends.
    pub fn released(&mut self, away: bool) {
        if self.references() > 0 || self.ended.is_some() {
            return;
        }
        if away {
            assert!(!self.queued_away, "the test would leak");
            self.ask(true);
        } else {
            self.end(End::Aborted);
        }
    }

    /// Whether letting go of `count` references now would leave the future to nobody.
    pub fn would_leak(&self, count: usize) -> bool {
        self.ended.is_none() && (self.lost || self.home_over) && self.references() <= count
    }
}
