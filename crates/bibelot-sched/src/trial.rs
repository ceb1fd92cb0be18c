//! One script, run on a scheduler and beside it on a plain list of what waits.
//!
//! # Invariants
//!
//! - `waiting` holds what was pushed and not popped, in the order of the pushes.

use std::format;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::{String, ToString};
use std::vec::Vec;

use crate::laws::{Broken, Item, Law};
use crate::{Scheduler, Wake};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Push one with this hint.
    Push(u8, Wake),
    Pop,
    /// Push one and pop one, for as long as it takes whoever waits to be bypassed too often.
    Storm(u8, Wake),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) bypass_max: usize,
    pub(crate) yields_last: bool,
}

#[derive(Clone, PartialEq, Eq)]
enum Action {
    Pushed(Item, Wake),
    Popped(Option<u64>),
}

struct Waiting {
    item: Item,
    why: Wake,
    bypassed: usize,
}

pub(crate) struct Trial<S> {
    scheduler: S,
    limits: Limits,
    pushed: u64,
    waiting: Vec<Waiting>,
    actions: Vec<Action>,
}

/// What was done in a script that broke no law.
pub(crate) struct Done(Vec<Action>);

type Verdict = Result<(), (Law, String)>;

impl<S> Trial<S> {
    pub(crate) fn new(scheduler: S, limits: Limits) -> Self {
        Self {
            scheduler,
            limits,
            pushed: 0,
            waiting: Vec::new(),
            actions: Vec::new(),
        }
    }

    /// Runs a script, pops what is left, and looks at the laws all the time.
    pub(crate) fn run<T>(
        mut self,
        script: &[Step],
        forge: &impl Fn(Item) -> T,
        item_of: &impl Fn(&T) -> Item,
    ) -> Result<Done, Broken>
    where
        S: Scheduler<T>,
    {
        let verdict = catch_unwind(AssertUnwindSafe(|| self.follow(script, forge, item_of)));
        let verdict = verdict.unwrap_or_else(|payload| {
            let text = payload.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            let text = text.unwrap_or_else(|| "(not a text)".to_string());
            Err((Law::Calm, format!("it panicked: {text}")))
        });
        match verdict {
            Ok(()) => Ok(Done(self.actions)),
            Err((law, what)) => Err(broken(law, what, &self.actions)),
        }
    }

    fn follow<T>(
        &mut self,
        script: &[Step],
        forge: &impl Fn(Item) -> T,
        item_of: &impl Fn(&T) -> Item,
    ) -> Verdict
    where
        S: Scheduler<T>,
    {
        self.count()?;
        for step in script {
            match *step {
                Step::Push(hint, why) => self.push(hint, why, forge)?,
                Step::Pop => self.pop(item_of)?,
                Step::Storm(hint, why) => {
                    for _ in 0..self
                        .waiting
                        .len()
                        .saturating_add(self.limits.bypass_max)
                        .saturating_add(2)
                    {
                        self.push(hint, why, forge)?;
                        self.pop(item_of)?;
                    }
                }
            }
        }
        while !self.waiting.is_empty() {
            self.pop(item_of)?;
        }
        self.pop(item_of)
    }

    fn push<T>(&mut self, hint: u8, why: Wake, forge: &impl Fn(Item) -> T) -> Verdict
    where
        S: Scheduler<T>,
    {
        let item = Item {
            serial: self.pushed,
            hint,
        };
        self.pushed += 1;
        self.actions.push(Action::Pushed(item, why));
        self.waiting.push(Waiting {
            item,
            why,
            bypassed: 0,
        });
        self.scheduler.push(forge(item), why);
        self.count()
    }

    fn pop<T>(&mut self, item_of: &impl Fn(&T) -> Item) -> Verdict
    where
        S: Scheduler<T>,
    {
        let popped = self.scheduler.pop().map(|item| item_of(&item));
        self.actions
            .push(Action::Popped(popped.map(|item| item.serial)));
        match popped {
            Some(item) => self.judge(item)?,
            None if self.waiting.is_empty() => {}
            None => {
                let first = self.waiting[0].item.serial;
                let what = format!("pop gave nothing while item {first} waited");
                return Err((Law::Emptiness, what));
            }
        }
        self.count()
    }

    /// Whether this item could come now.
    fn judge(&mut self, item: Item) -> Verdict {
        let serial = item.serial;
        let Some(place) = self.waiting.iter().position(|waiting| waiting.item == item) else {
            let what = if serial < self.pushed {
                format!("item {serial} was popped a second time, or changed")
            } else {
                format!("item {serial} was popped, which was never pushed")
            };
            return Err((Law::Conservation, what));
        };
        let why = self.waiting.remove(place).why;
        if self.limits.yields_last && why == Wake::Yielded && place > 0 {
            let before = self.waiting[0].item.serial;
            let what = format!("item {serial} yielded and ran before item {before}, ready by then");
            return Err((Law::YieldsLast, what));
        }
        for earlier in &mut self.waiting[..place] {
            earlier.bypassed += 1;
            if earlier.bypassed > self.limits.bypass_max {
                let (serial, times) = (earlier.item.serial, earlier.bypassed);
                let bound = self.limits.bypass_max;
                let what =
                    format!("item {serial} was bypassed {times} times, the bound is {bound}");
                return Err((Law::Bypass, what));
            }
        }
        Ok(())
    }

    fn count<T>(&self) -> Verdict
    where
        S: Scheduler<T>,
    {
        let (len, waiting) = (self.scheduler.len(), self.waiting.len());
        if len != waiting {
            let what = format!("len is {len} while {waiting} items wait");
            return Err((Law::Emptiness, what));
        }
        if self.scheduler.is_empty() != (len == 0) {
            let what = format!("is_empty is {} while len is {len}", len != 0);
            return Err((Law::Emptiness, what));
        }
        Ok(())
    }
}

impl Done {
    /// Whether another run of the same script did the same.
    pub(crate) fn compare(&self, again: &Done) -> Result<(), Broken> {
        let pairs = self.0.iter().zip(&again.0);
        for (index, (one, two)) in pairs.enumerate() {
            if one != two {
                let what = format!("in another run the last step was: {}", two.line());
                return Err(broken(Law::Determinism, what, &self.0[..=index]));
            }
        }
        Ok(())
    }
}

impl Action {
    fn line(&self) -> String {
        match self {
            Self::Pushed(Item { serial, hint }, why) => {
                format!("push item {serial} ({why:?}, hint {hint})")
            }
            Self::Popped(Some(serial)) => format!("pop gives item {serial}"),
            Self::Popped(None) => "pop gives nothing".to_string(),
        }
    }
}

fn broken(law: Law, what: String, actions: &[Action]) -> Broken {
    Broken {
        law,
        what,
        script: actions.iter().map(Action::line).collect(),
    }
}
