//! The chooser's strategies: each order once, each run again, the seed alone decides.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use bibelot_sched::{
    Access, Alt, Bag, Choice, Deviations, Exhaust, Fifo, Kind, Log, Logged, ObjectId, OpKind,
    Point, Production, Ready, Replay, Scheduler, Seeded, Site, TaskPath, Wake,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Tasks of some steps each, run in the order that a chooser takes; gives whose step came when.
fn interleave<C: Choice>(choice: C, steps: &[u8]) -> Vec<usize> {
    struct Task {
        path: [u32; 1],
        done: u64,
    }
    let mut ready = Bag::described(choice, |task: &Task| Ready {
        nth: task.done,
        alt: Alt {
            task: TaskPath::new(&task.path),
            op: OpKind::new(1, "step"),
            object: ObjectId::new(7, "counter"),
            access: Access::Write,
        },
    });
    for task in (0..).take(steps.len()) {
        ready.push(
            Task {
                path: [task],
                done: 0,
            },
            Wake::Spawned,
        );
    }
    let mut order = Vec::new();
    while let Some(mut task) = ready.pop() {
        let number = task.path[0] as usize;
        order.push(number);
        task.done += 1;
        if task.done < u64::from(steps[number]) {
            ready.push(task, Wake::Woken);
        }
    }
    order
}

/// How many ways there are to interleave tasks of so many steps.
fn multinomial(steps: &[u8]) -> u64 {
    let factorial = |n: u64| (1..=n).product::<u64>();
    let total = steps.iter().map(|&count| u64::from(count)).sum();
    steps.iter().fold(factorial(total), |ways, &count| {
        ways / factorial(u64::from(count))
    })
}

#[test]
fn a_bag_under_exhaustion_gives_every_order_exactly_once() {
    for steps in [
        &[1][..],
        &[1, 1],
        &[1, 1, 1, 1, 1, 1],
        &[3, 2],
        &[2, 2, 2],
        &[1, 4, 2],
        &[5, 1, 1],
    ] {
        let mut orders = BTreeSet::new();
        let mut every = Exhaust::new();
        while every.next_run().unwrap() {
            orders.insert(interleave(&mut every, steps));
        }
        assert_eq!(orders.len() as u64, multinomial(steps), "{steps:?}");
        assert_eq!(every.runs(), multinomial(steps), "{steps:?}");
    }
}

#[test]
fn points_describe_what_a_bag_holds_in_the_order_of_arrival() {
    struct Witness(Vec<String>);

    impl Choice for Witness {
        fn choose(&mut self, at: &Point<'_>) -> usize {
            assert_eq!(at.len(), at.alternatives.len());
            let tasks: Vec<_> = at
                .alternatives
                .iter()
                .map(|alt| alt.task.to_string())
                .collect();
            assert!(
                at.alternatives
                    .iter()
                    .all(|alt| alt.op.name == "step" && alt.access == Access::Write)
            );
            self.0.push(format!("{at} {}", tasks.join(" ")));
            at.len() - 1
        }
    }

    let mut witness = Witness(Vec::new());
    assert_eq!(interleave(&mut witness, &[1, 2, 1]), [2, 1, 1, 0]);
    assert_eq!(
        witness.0,
        [
            "r[0].0 of 3 [0] [1] [2]",
            "r[0].0 of 2 [0] [1]",
            "r[0].0 of 2 [0] [1]"
        ]
    );
}

#[test]
fn a_shared_chooser_can_be_looked_into_after_the_run() {
    let shared = Rc::new(RefCell::new(Logged::new(Seeded::new(3))));
    let boxed: Box<dyn Choice> = Box::new(shared.clone());
    interleave(boxed, &[2, 2]);
    assert!(!shared.borrow().log().is_empty());
}

proptest! {
    #[test]
    fn answering_zero_is_first_in_first_out(steps in vec(1..4_u8, 0..6)) {
        let bag = interleave(Production, &steps);
        let mut fifo = Fifo::new();
        let mut left = steps.clone();
        (0..steps.len()).for_each(|task| fifo.push(task, Wake::Spawned));
        let mut order = Vec::new();
        while let Some(task) = fifo.pop() {
            order.push(task);
            left[task] -= 1;
            if left[task] > 0 {
                fifo.push(task, Wake::Woken);
            }
        }
        prop_assert_eq!(bag, order);
    }

    #[test]
    fn a_seed_alone_decides(seed: u64, steps in vec(1..4_u8, 0..8)) {
        let run = || {
            let mut logged = Logged::new(Seeded::new(seed));
            (interleave(&mut logged, &steps), logged.into_parts().1)
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn deviations_written_down_give_the_same_run_again(seed: u64, steps in vec(1..4_u8, 0..8)) {
        let mut logged = Logged::new(Seeded::new(seed));
        let order = interleave(&mut logged, &steps);
        let written = Deviations(logged.deviations()).to_string();

        let deviations: Deviations = written.parse().unwrap();
        let mut again = Logged::new(Replay::new(deviations.0));
        prop_assert_eq!(interleave(&mut again, &steps), order);
        let (replay, log) = again.into_parts();
        prop_assert_eq!(replay.parted(), None);
        prop_assert_eq!(log.parting(logged.log()), None);
    }

    #[test]
    fn a_replay_that_meets_another_world_says_where(seed: u64, steps in vec(2..4_u8, 2..6)) {
        let mut logged = Logged::new(Seeded::new(seed));
        interleave(&mut logged, &steps);
        let deviations = logged.deviations();
        prop_assume!(!deviations.is_empty());
        let mut replay = Replay::new(deviations.clone());
        interleave(&mut replay, &steps[..1]);
        let parted = replay.parted().expect("one task alone asks nothing").to_string();
        prop_assert!(deviations.iter().any(|deviation| parted.contains(&deviation.to_string())));
    }

    #[test]
    fn a_written_log_is_read_back_point_by_point(
        points in vec((0..7_usize, vec(any::<u32>(), 0..4), any::<u64>(), 1..50_usize, any::<usize>()), 0..30),
    ) {
        let mut log = Log::new();
        for (kind, task, nth, len, answer) in &points {
            let kind = Kind::from_letter(['r', 'y', 't', 'i', 'x', 'f', 'u'][*kind]).unwrap();
            log.push(&Point::plain(kind, Site::new(TaskPath::new(task), *nth), *len), answer % len);
        }
        prop_assert_eq!(log.len(), points.len());
        for (asked, (_, task, nth, len, answer)) in log.iter().zip(&points) {
            prop_assert_eq!(asked.at, Site::new(TaskPath::new(task), *nth));
            prop_assert_eq!((asked.len, asked.answer), (*len, answer % len));
        }
        let deviations = Deviations(log.deviations());
        prop_assert_eq!(deviations.0.len(), log.iter().filter(bibelot_sched::Asked::is_deviation).count());
        prop_assert_eq!(deviations.to_string().parse::<Deviations>().unwrap(), deviations);
    }
}
