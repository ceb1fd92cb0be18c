//! The site: a name for the place of a choice in a run.
//!
//! A task is named by its place in the tree of spawns: `[2,1]` is the second child (counted from 0) of
//! the third child of the root. A site is a task and a number of that task's own counting, such as its
//! n-th operation. No number counts steps of the whole run, so a site keeps its meaning when unrelated
//! code changes and when a test's input shrinks.

use core::fmt;

/// Names a task: the order of spawn below each of its ancestors, from the root down.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskPath<'a> {
    steps: &'a [u32],
}

impl<'a> TaskPath<'a> {
    /// The root, from which all tasks descend.
    pub const ROOT: TaskPath<'static> = TaskPath { steps: &[] };

    /// The task reached from the root by these steps: at each, which child, counted from 0.
    #[must_use]
    pub const fn new(steps: &'a [u32]) -> Self {
        Self { steps }
    }

    /// The steps from the root to the task.
    #[must_use]
    pub const fn steps(self) -> &'a [u32] {
        self.steps
    }
}

/// The steps in brackets, as in `[2,1]`; the root is `[]`.
impl fmt::Display for TaskPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (nth, step) in self.steps.iter().enumerate() {
            let comma = if nth == 0 { "" } else { "," };
            write!(f, "{comma}{step}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for TaskPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskPath({self})")
    }
}

/// Names the place of a choice: a task, and the number of what it does there.
///
/// Several choices may have one site, such as an operation's order and its latency; those of the same
/// kind are told apart by the order in which they come.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site<'a> {
    /// Whose choice it is.
    pub task: TaskPath<'a>,
    /// Which of the task's operations it belongs to, counted by the task.
    pub nth: u64,
}

impl<'a> Site<'a> {
    /// The site of a task's `nth` operation.
    #[must_use]
    pub const fn new(task: TaskPath<'a>, nth: u64) -> Self {
        Self { task, nth }
    }
}

/// Path and number, as in `[2,1].7`.
impl fmt::Display for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.task, self.nth)
    }
}

impl fmt::Debug for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({self})")
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_site_shows_path_and_number() {
        let site = Site::new(TaskPath::new(&[2, 1]), 7);
        assert_eq!(format!("{site}"), "[2,1].7");
        assert_eq!(format!("{:?}", Site::default()), "Site([].0)");
    }
}
