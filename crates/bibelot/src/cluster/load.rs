//! The load: how much each kernel has to do, and who gets the next task.

/// How much one kernel has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelLoad {
    /// Which kernel, by its place in the cluster.
    pub kernel: usize,
    /// How many tasks it has that have not ended and are no daemons, also those that its own tasks spawned.
    pub tasks: usize,
    /// How many tasks and connections were given to it that it has not begun.
    pub queued: usize,
}

impl KernelLoad {
    /// All that it has to do.
    #[must_use]
    pub fn total(&self) -> usize {
        self.tasks + self.queued
    }
}

/// Chooses among the kernels that take new tasks: the place in the list of the one that gets the next.
pub(super) type Choose = Box<dyn Fn(&[KernelLoad]) -> usize + Send + Sync>;

/// The place in the list of the one with the least to do; of equals the first from `start` on, so that
/// they take turns.
pub(super) fn least(loads: &[KernelLoad], start: usize) -> Option<usize> {
    let count = loads.len();
    (0..count)
        .map(|step| (start + step) % count)
        .min_by_key(|&place| loads[place].total())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(totals: &[(usize, usize)]) -> Vec<KernelLoad> {
        let loads = totals.iter().enumerate();
        loads
            .map(|(kernel, &(tasks, queued))| KernelLoad {
                kernel,
                tasks,
                queued,
            })
            .collect()
    }

    #[test]
    fn the_least_loaded_is_chosen_and_equals_take_turns() {
        let uneven = loads(&[(3, 0), (1, 1), (0, 3)]);
        for start in 0..3 {
            assert_eq!(least(&uneven, start), Some(1));
        }
        let even = loads(&[(1, 0), (0, 1), (1, 0)]);
        for start in 0..3 {
            assert_eq!(least(&even, start), Some(start));
        }
        assert_eq!(least(&[], 7), None);
    }
}
