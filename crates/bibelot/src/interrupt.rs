//! The interrupt: what a program does when somebody presses Ctrl-C and it did not ask for that itself.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use bibelot_kernel::{Cause, Kernel, TaskBuilder};

use crate::signal::AwaitSignal;

/// What Ctrl-C does to a program that does not wait for it itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CtrlCPolicy {
    /// Nothing of ours: the operating system ends the process, unless the program has other plans.
    #[default]
    Leave,
    /// The first asks the main future to stop, with [`Cause::CtrlC`], so that it cleans up; the second,
    /// and one while the kernel shuts down, ends the process at once, with status 130.
    ///
    /// A [`ctrl_c`](crate::ctrl_c()) that waits has precedence: what it hears does not count. From the first
    /// kernel with this policy on, a Ctrl-C that nobody hears ends the process with status 130, also when
    /// that kernel has ended. In a simulated world there is nobody to press it.
    ///
    /// The default of `#[bibelot::main]`.
    CancelMain,
}

/// Has Ctrl-C stop the main future of `kernel`; the flag says whether it did.
pub(crate) fn heed(kernel: &Kernel, policy: CtrlCPolicy) -> io::Result<Rc<Cell<bool>>> {
    let was_pressed = Rc::new(Cell::new(false));
    if policy == CtrlCPolicy::Leave {
        return Ok(was_pressed);
    }
    let pressed = match AwaitSignal::unheard_ctrl_c() {
        Ok(pressed) => pressed,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(was_pressed),
        Err(error) => return Err(error),
    };
    let (handle, flag) = (kernel.handle(), was_pressed.clone());
    let watch = TaskBuilder::new().name("ctrl-c").daemon();
    let watching = watch.spawn(async move {
        if pressed.await.is_ok() {
            flag.set(true);
            handle.stop_with(Cause::CtrlC);
        }
    });
    watching.detach();
    Ok(was_pressed)
}
