//! The records against a model, under readers on other threads, and at the ends of lives.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bibelot_timer::Instant;
use proptest::prelude::*;

use super::{RecordReader, Records, TaskInfo, TaskState, Tenant, Wait};

/// Two places that differ.
fn sites() -> [&'static Location<'static>; 2] {
    let sites = [Location::caller(), Location::caller()];
    assert_ne!(sites[0], sites[1]);
    sites
}

fn tenant(number: u64) -> Tenant {
    Tenant {
        number,
        parent: number.wrapping_mul(3),
        spawn_site: sites()[(number % 2) as usize],
        daemon: number.is_multiple_of(2),
        name: None,
    }
}

fn named(number: u64, name: &str) -> Tenant {
    Tenant {
        name: Some(name.into()),
        ..tenant(number)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Begin {
        slot: u32,
        name: Option<u8>,
    },
    Ready(u32),
    Running(u32),
    Parked {
        slot: u32,
        reason: u8,
        site: Option<bool>,
    },
    Deadline(u32, Option<u64>),
    Cancelled(u32),
    Terminated(u32),
    End(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few slots, so that they are used again, in the first three blocks.
    let slot = || prop::sample::select(vec![0, 1, 63, 64, 200]);
    let deadline = prop_oneof![Just(None), (0..u64::MAX).prop_map(Some)];
    let step =
        prop_oneof![
            (slot(), any::<Option<u8>>()).prop_map(|(slot, name)| Step::Begin { slot, name }),
            slot().prop_map(Step::Ready),
            slot().prop_map(Step::Running),
            (slot(), 0..28_u8, any::<Option<bool>>())
                .prop_map(|(slot, reason, site)| Step::Parked { slot, reason, site }),
            (slot(), deadline).prop_map(|(slot, at)| Step::Deadline(slot, at)),
            slot().prop_map(Step::Cancelled),
            slot().prop_map(Step::Terminated),
            slot().prop_map(Step::End),
        ];
    prop::collection::vec(step, 0..120)
}

/// Does `step` to the records and to the model, unless the slot is not as the step needs it.
fn apply(step: Step, number: u64, records: &Records, model: &mut BTreeMap<u32, TaskInfo>) {
    if let Step::Begin { slot, name } = step {
        if model.contains_key(&slot) {
            return;
        }
        let name: Option<Arc<str>> = name.map(|name| format!("task\n{name}").into());
        let tenant = Tenant {
            name: name.clone(),
            ..tenant(number)
        };
        let info = TaskInfo {
            number,
            slot,
            generation: number as u32,
            parent: tenant.parent,
            name,
            state: TaskState::Initial,
            site: None,
            spawn_site: Some(tenant.spawn_site),
            polls: 0,
            deadline: None,
            daemon: tenant.daemon,
            cancelled: false,
        };
        records.begin(slot, tenant);
        model.insert(slot, info);
        return;
    }
    let (Step::Ready(slot)
    | Step::Running(slot)
    | Step::Parked { slot, .. }
    | Step::Deadline(slot, _)
    | Step::Cancelled(slot)
    | Step::Terminated(slot)
    | Step::End(slot)
    | Step::Begin { slot, .. }) = step;
    let Some(info) = model.get_mut(&slot) else {
        return;
    };
    let has_ended = info.state == TaskState::Terminated;
    match step {
        // A task that has ended is neither woken nor polled.
        Step::Ready(_) | Step::Running(_) | Step::Parked { .. } if has_ended => {}
        Step::Ready(_) => {
            records.ready(slot);
            info.state = TaskState::Ready;
        }
        Step::Running(_) => {
            records.tenant(slot).running();
            info.state = TaskState::Running;
            info.polls += 1;
        }
        Step::Parked { reason, site, .. } => {
            let wait = Wait::from_byte(reason);
            let site = site.map(|second| sites()[usize::from(second)]);
            records.tenant(slot).parked(wait, site);
            info.state = TaskState::Parked(wait);
            info.site = site;
        }
        Step::Deadline(_, at_ns) => {
            records.tenant(slot).deadline(at_ns);
            info.deadline = at_ns.map(Instant::from_nanos);
        }
        Step::Cancelled(_) => {
            records.cancelled(slot);
            info.cancelled = true;
        }
        Step::Terminated(_) => {
            records.terminated(records.tenant(slot));
            info.state = TaskState::Terminated;
        }
        Step::End(_) => {
            records.end(slot);
            model.remove(&slot);
        }
        Step::Begin { .. } => unreachable!("handled above"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_reader_sees_what_the_kernel_told(steps in steps()) {
        let records = Records::new();
        let reader = records.reader();
        let mut model = BTreeMap::new();
        for (number, step) in (1..).zip(steps) {
            apply(step, number, &records, &mut model);
            let mut expected: Vec<TaskInfo> = model.values().cloned().collect();
            expected.sort_unstable_by_key(|task| task.number);
            prop_assert_eq!(&reader.snapshot(), &expected);
            let is_missed = |task: &&TaskInfo| !task.daemon && task.state != TaskState::Terminated;
            prop_assert_eq!(reader.live(), expected.iter().filter(is_missed).count());
            for task in expected {
                prop_assert_eq!(reader.get_at(task.slot, task.generation + 1), None);
                prop_assert_eq!(
                    reader.get_at(task.slot, task.generation),
                    Some(task.clone())
                );
                prop_assert_eq!(reader.get(task.number), Some(task));
            }
            prop_assert_eq!(reader.get(number + 1), None);
        }
    }
}

/// Checks what [`tenant`] and the writer below tie together; how many tasks were seen.
fn check(tasks: &[TaskInfo]) -> usize {
    let sites = sites();
    for task in tasks {
        let born = tenant(task.number);
        assert_eq!(task.generation, task.number as u32, "{task}");
        assert_eq!(task.parent, born.parent, "{task}");
        assert_eq!(task.spawn_site, Some(born.spawn_site), "{task}");
        assert_eq!(task.daemon, born.daemon, "{task}");
        assert!(task.polls <= 2, "{task}");
        if let Some(deadline) = task.deadline {
            assert_eq!(deadline, Instant::from_nanos(task.number * 7), "{task}");
        }
        match task.wait() {
            Some(Wait::Sleep) => assert_eq!(task.site, Some(sites[0]), "{task}"),
            Some(Wait::Read) => assert_eq!(task.site, Some(sites[1]), "{task}"),
            Some(_) => panic!("a reason that nobody gave: {task}"),
            None => {}
        }
        if let Some(name) = &task.name {
            assert_eq!(**name, task.number.to_string(), "{task}");
        }
    }
    tasks.len()
}

fn read_until(reader: &RecordReader, enough: usize) -> usize {
    let mut tasks = Vec::new();
    let mut seen = 0;
    while seen < enough {
        reader.snapshot_into(&mut tasks);
        seen += check(&tasks);
    }
    seen
}

#[test]
fn readers_on_other_threads_never_see_two_tenants_or_two_waits_in_one() {
    let records = Records::new();
    let [first, second] = sites();
    let done = Arc::new(AtomicBool::new(false));
    let reader = records.reader();
    let finished = done.clone();
    let readers = thread::spawn(move || {
        let other = reader.clone();
        let helper = thread::spawn(move || read_until(&other, 20_000));
        let mine = read_until(&reader, 20_000);
        let both = mine + helper.join().expect("the reader's checks hold");
        finished.store(true, Ordering::Relaxed);
        both
    });
    let mut number = 0;
    while !done.load(Ordering::Relaxed) && !readers.is_finished() {
        for slot in [0, 1, 64] {
            number += 1;
            let name = (number % 5 == 0).then(|| number.to_string().into());
            records.begin(
                slot,
                Tenant {
                    name,
                    ..tenant(number)
                },
            );
            records.tenant(slot).deadline(Some(number * 7));
            records.tenant(slot).running();
            records.tenant(slot).parked(Wait::Sleep, Some(first));
            records.ready(slot);
            records.tenant(slot).running();
            records.tenant(slot).parked(Wait::Read, Some(second));
            records.end(slot);
        }
    }
    assert!(readers.join().expect("the readers' checks hold") >= 40_000);
}

#[test]
fn a_reader_outlives_the_kernel_and_finds_nothing() {
    let records = Records::new();
    let reader = records.reader();
    records.begin(70, named(1, "left"));
    assert_eq!(reader.snapshot().len(), 1);
    assert!(!reader.has_ended());
    drop(records);
    assert!(reader.has_ended());
    assert_eq!(reader.snapshot(), []);
    assert_eq!(reader.get(1), None);
    assert_eq!(reader.get_at(70, 1), None);
}

#[test]
fn a_name_is_freed_with_its_task() {
    let records = Records::new();
    let name: Arc<str> = "worker".into();
    for number in 1..100 {
        records.begin(
            3,
            Tenant {
                name: Some(name.clone()),
                ..tenant(number)
            },
        );
        records.terminated(records.tenant(3));
        assert_eq!(Arc::strong_count(&name), 2);
        records.end(3);
        assert_eq!(Arc::strong_count(&name), 1);
    }
}

#[test]
fn a_snapshot_reuses_the_memory_it_is_given() {
    let records = Records::new();
    let reader = records.reader();
    for slot in 0..10 {
        records.begin(slot, tenant(u64::from(slot) + 1));
    }
    let mut tasks = reader.snapshot();
    let before = tasks.as_ptr();
    assert_eq!(reader.snapshot_into(&mut tasks), 0);
    assert_eq!(tasks.len(), 10);
    assert_eq!(tasks.as_ptr(), before);
}

#[test]
fn a_task_is_shown_on_one_line() {
    let records = Records::new();
    let reader = records.reader();
    let [first, second] = sites();
    let task = Tenant {
        parent: 2,
        spawn_site: second,
        daemon: true,
        ..named(5, "two\nlines")
    };
    records.begin(0, task);
    let shown = |reader: &RecordReader| reader.get(5).expect("task 5 lives").to_string();
    assert_eq!(
        shown(&reader),
        format!(
            r#"task 5 "two\nlines": initial, polls 0, child of 2, spawned at {second}, daemon"#
        )
    );
    records.tenant(0).running();
    records.tenant(0).parked(Wait::QueueGet, Some(first));
    records.tenant(0).deadline(Some(1_500_000_000));
    records.cancelled(0);
    assert_eq!(
        shown(&reader),
        format!(r#"task 5 "two\nlines": queue get at {first}, polls 1, due at 1.5s, child of 2, "#)
            + &format!("spawned at {second}, daemon, cancelled")
    );
}

#[test]
fn readers_go_anywhere() {
    fn anywhere<T: Clone + Send + Sync + 'static>() {}
    anywhere::<RecordReader>();
    anywhere::<TaskInfo>();
}

#[test]
fn a_parent_is_told_however_far_away_it_is() {
    let records = Records::new();
    let reader = records.reader();
    let far = 1_u64 << 31;
    let families = [
        (1, 0),
        (2, 1),
        (far + 1, 0),
        (far + 2, 2),
        (far + 3, 2),
        (far + 4, 3),
        (u64::MAX - 1, 1),
        (u64::MAX, u64::MAX - far),
        (5, far + 5),
        (6, far + 7),
    ];
    for (slot, (number, parent)) in (0..).zip(families) {
        let born = Tenant {
            parent,
            ..tenant(number)
        };
        records.begin(slot, born);
    }
    for (slot, (number, parent)) in (0..).zip(families) {
        let found = reader.get_at(slot, number as u32).expect("it is there");
        assert_eq!((found.number, found.parent), (number, parent));
        records.end(slot);
        records.begin(slot, tenant(number));
        let next = reader.get_at(slot, number as u32).expect("it is there");
        assert_eq!(next.parent, number.wrapping_mul(3));
    }
}
