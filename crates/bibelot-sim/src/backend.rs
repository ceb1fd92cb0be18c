//! The backend: a simulated world as what a kernel runs on, chosen by value like any other.

use std::io;

use bibelot_kernel::{Backend, Kernel, World};
use bibelot_sched::Choice;

use crate::sim::Sim;

impl Backend for Sim {
    fn build(self: Box<Self>) -> io::Result<World> {
        let reason = self.reason().to_owned();
        let (reactor, clock, choice) = self.into_parts();
        Ok(World {
            reactor: Box::new(reactor),
            clock: Box::new(clock),
            choice: choice.map(|choice| Box::new(choice) as Box<dyn Choice>),
            reason,
        })
    }
}

impl Sim {
    /// Runs `main` in this world, on a kernel of its own that is shut down after it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use bibelot_kernel::{clock, sleep};
    /// use bibelot_sim::Sim;
    ///
    /// let end = Sim::new(7).block_on(async {
    ///     sleep(Duration::from_secs(3600)).await.unwrap();
    ///     clock()
    /// });
    /// assert_eq!(end.as_nanos(), 3_600_000_000_000);
    /// ```
    ///
    /// # Panics
    ///
    /// With the panic of `main`; when the thread has a kernel already; on a
    /// [`Deadlock`](crate::Deadlock). What decided in this world, and what the run came to, is then
    /// written to standard error, so that it can be run again.
    #[track_caller]
    pub fn block_on<F: Future>(self, main: F) -> F::Output {
        match self.try_block_on(main) {
            Ok(value) => value,
            Err(error) => panic!("the simulated world cannot go on: {error}"),
        }
    }

    /// The same, with an error where the world cannot go on.
    ///
    /// # Errors
    ///
    /// [`bibelot_kernel::Deadlock`], which names the tasks, when every task waits and nothing is under way; an
    /// error of kind
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) when the thread has a kernel.
    ///
    /// # Panics
    ///
    /// With the panic of `main`.
    #[track_caller]
    pub fn try_block_on<F: Future>(self, main: F) -> io::Result<F::Output> {
        let mut witness = Witness {
            who: self.reason().to_owned(),
            report: self.report(),
            failed: true,
        };
        let mut kernel = Kernel::builder().backend(self).build()?;
        let result = kernel.try_block_on(main);
        drop(kernel);
        witness.failed = result.is_err();
        result
    }
}

/// Says how a run that failed can be run again.
struct Witness {
    /// Who decided: `seed 7`.
    who: String,
    report: crate::Report,
    failed: bool,
}

impl Drop for Witness {
    fn drop(&mut self) {
        if self.failed {
            eprintln!("simulated world: {}; {}", self.who, self.report);
        }
    }
}
