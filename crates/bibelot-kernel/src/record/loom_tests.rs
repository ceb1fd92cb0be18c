//! The sequence number under loom: read against begin, park, end and reuse, in every order.

use std::panic::Location;

use bibelot_timer::Instant;
use loom::sync::Arc;
use loom::thread;

use super::cell::{Birth, Look, Record, Words};
use super::{Records, TaskState, Tenant, Wait};

/// The place of a task or wait; 1 and 2 have places that differ.
fn site(number: u64) -> &'static Location<'static> {
    let sites = [Location::caller(), Location::caller()];
    assert_ne!(sites[0], sites[1]);
    sites[number as usize - 1]
}

fn birth(number: u64) -> Birth {
    Birth {
        number,
        parent: number + 20,
        spawn_site: site(number),
        daemon: number == 1,
        named: false,
    }
}

/// Whether the words are of one tenant. Only the first is cancelled; only the second is polled, and has
/// a deadline.
fn check(words: &Words) {
    let number = words.number;
    assert_eq!(words.parent, Some(number + 20));
    assert_eq!(words.spawn_site, Some(site(number)));
    assert_eq!(words.daemon, number == 1);
    assert!(words.deadline_ns.is_none() || number == 2);
    assert!(!words.cancelled || number == 1);
    assert!(words.polls == 0 || number == 2);
}

#[test]
fn a_look_never_mixes_two_tenants() {
    loom::model(|| {
        let record = Arc::new(Record::new());
        let looked = record.clone();
        record.begin(birth(1));
        let reader = thread::spawn(move || {
            if let Look::Tenant(words) = looked.look() {
                check(&words);
            }
        });
        // Single stores on both sides of the reuse: they belong to their tenant all the same.
        record.cancelled();
        record.end();
        record.begin(birth(2));
        record.deadline(Some(20));
        reader.join().unwrap();
    });
}

#[test]
fn a_look_never_mixes_two_waits() {
    loom::model(|| {
        let record = Arc::new(Record::new());
        let looked = record.clone();
        record.begin(birth(2));
        record.parked(Wait::Sleep, Some(site(1)));
        let reader = thread::spawn(move || {
            if let Look::Tenant(words) = looked.look() {
                check(&words);
                match words.state {
                    TaskState::Parked(Wait::Sleep) => assert_eq!(words.site, Some(site(1))),
                    TaskState::Parked(Wait::Read) => assert_eq!(words.site, Some(site(2))),
                    TaskState::Ready | TaskState::Running => {}
                    other => panic!("nobody said {other:?}"),
                }
            }
        });
        record.ready();
        record.running();
        record.parked(Wait::Read, Some(site(2)));
        reader.join().unwrap();
    });
}

#[test]
fn whoever_knows_of_a_task_finds_it() {
    loom::model(|| {
        let record = Arc::new(Record::new());
        let looked = record.clone();
        record.begin(birth(2));
        let reader = thread::spawn(move || match looked.look() {
            Look::Tenant(words) => check(&words),
            Look::Vacant => panic!("the task began before this thread did, and has not ended"),
            // The look met the section of the wait.
            Look::Changing => {}
        });
        record.running();
        record.parked(Wait::Join, None);
        reader.join().unwrap();
    });
}

#[test]
fn a_reader_goes_on_while_slots_are_reused_and_after_the_kernel() {
    loom::model(|| {
        let records = Records::new();
        let reader = records.reader();
        let tenant = |number: u64| Tenant {
            number,
            parent: number + 20,
            spawn_site: site(number),
            daemon: false,
            name: Some(if number == 1 { "first" } else { "second" }.into()),
        };
        records.begin(0, tenant(1));
        let reader = thread::spawn(move || {
            let tasks = reader.snapshot();
            assert!(tasks.len() <= 1);
            for task in tasks {
                assert_eq!(task.spawn_site, Some(site(task.number)));
                assert!(task.deadline.is_none_or(|at| at == Instant::from_nanos(10)));
                assert!(task.deadline.is_none() || task.number == 1);
                match task.name.as_deref() {
                    Some("first") => assert_eq!(task.number, 1),
                    Some("second") => assert_eq!(task.number, 2),
                    Some(other) => panic!("nobody has the name {other}"),
                    // It ended between the look at the record and the look at the names.
                    None => {}
                }
            }
        });
        records.tenant(0).deadline(Some(10));
        records.end(0);
        records.begin(0, tenant(2));
        drop(records);
        reader.join().unwrap();
    });
}
