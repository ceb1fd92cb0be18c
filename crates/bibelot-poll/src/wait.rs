//! The wait: taking edges, looking for them, and sleeping until one comes.
//!
//! Where waits have proved short a wait begins with a look: edges are asked for again and again without
//! sleeping, and another thread's wake is seen without its having to kick. A sleep ends a little early where
//! the operating system wakes late, and the rest of its time is such a look, too.
//!
//! # Invariants
//!
//! - A sleep is announced before it begins, and no look is.

use std::io;
use std::time::Duration;

use bibelot_reactor::Came;

use crate::Poll;

/// A look at edges is a system call; wakes are looked for so many times as often.
const WAKES_PER_EDGES: u32 = 4;

impl Poll {
    /// Takes the edges that there are, and waits for one if there is anything to wait for. Edges that
    /// were taken before come first.
    pub(crate) fn take_edges(
        &mut self,
        timeout: Option<Duration>,
        may_wait: bool,
    ) -> io::Result<()> {
        if !self.ready.is_empty() {
            self.unpark.woke();
            return Ok(());
        }
        let looked = match may_wait {
            true => self.wait_for_edges(timeout),
            false => {
                self.unpark.woke();
                self.look_once()
            }
        };
        for edge in &self.ready {
            self.sources.heard(*edge);
        }
        looked
    }

    /// Takes the edges that there are.
    fn look_once(&mut self) -> io::Result<()> {
        if self.sources.waiting() == 0 && !self.is_watched {
            return Ok(());
        }
        self.watch.wait(Some(Duration::ZERO), &mut self.ready)
    }

    /// Waits for edges or a wake: looks first where that pays, then sleeps.
    fn wait_for_edges(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if self.lookout.begins(timeout) && self.look_on()? {
            return Ok(());
        }
        if !self.unpark.sleep() {
            self.lookout.ended(Came::WAKE);
            return self.look_once();
        }
        let span = self.lookout.sleep_span(timeout);
        let slept = self.watch.wait(span, &mut self.ready);
        let was_woken = self.unpark.woke();
        if self.lookout.ended(self.came(was_woken)) && slept.is_ok() {
            self.look_on()?;
        }
        slept
    }

    /// Looks for edges and wakes while the lookout wants that. Whether something came.
    fn look_on(&mut self) -> io::Result<bool> {
        let mut failed = Ok(());
        let mut looks = 0;
        let (watch, unpark, ready) = (&mut self.watch, &self.unpark, &mut self.ready);
        let found = self.lookout.look(|| {
            if looks % WAKES_PER_EDGES == 0 {
                failed = watch.wait(Some(Duration::ZERO), ready);
            }
            looks += 1;
            unpark.is_told() || !ready.is_empty() || failed.is_err()
        });
        if found {
            let was_woken = self.unpark.woke();
            self.lookout.ended(self.came(was_woken));
        }
        failed.map(|()| found)
    }

    /// What has come.
    fn came(&self, was_woken: bool) -> Came {
        let mut edges = self.ready.iter();
        match (edges.next(), edges.next()) {
            (None, _) if was_woken => Came::WAKE,
            (None, _) => Came::Nothing,
            (Some(edge), None) => Came::One(edge.number as u32),
            _ => Came::Several,
        }
    }
}
