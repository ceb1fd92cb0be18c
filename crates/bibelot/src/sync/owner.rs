//! Who asks: the task, since a task is what may take a lock twice.

use bibelot_kernel::try_current;
use bibelot_sync::Owner;

/// The task that runs here, by its number, which no other task of this process has; outside a task the
/// thread.
pub(super) fn asking() -> Owner {
    match try_current() {
        Some(task) => Owner::from(task.id().number()),
        None => Owner::this_thread(),
    }
}
