//! Outputs that nobody takes, shown before they go.
#![cfg(all(not(loom), feature = "std"))]

mod house;

use std::panic::resume_unwind;

use bibelot_task::{Ran, Unseen, spawn};
use house::{Count, House};

#[test]
fn a_value_that_nobody_took_is_shown_and_dropped_once() {
    let (house, count) = (House::new(), Count::default());
    let held = count.one();
    let (runnable, task) = spawn(async move { (7_u32, held) }, house.tag());
    assert!(!task.has_output());
    task.see_off(|_| panic!("there is nothing to be shown"));
    assert!(matches!(runnable.run(), Ran::Returned));
    let mut seen = Vec::new();
    let other = task.clone();
    task.see_off(|unseen| {
        assert!(other.take_output::<(u32, house::Counted)>().is_none());
        other.see_off(|_| panic!("it is being shown"));
        match unseen {
            Unseen::Value(value) => {
                seen.push(value.downcast_ref::<(u32, house::Counted)>().unwrap().0);
            }
            Unseen::Panic(_) => panic!("it returned"),
        }
    });
    assert_eq!((seen.as_slice(), count.get()), ([7].as_slice(), 1));
    assert!(!task.has_output());
    drop((task, other));
    assert_eq!(count.get(), 1);
}

#[test]
fn a_value_without_a_size_is_not_shown() {
    let house = House::new();
    let (runnable, task) = spawn(async {}, house.tag());
    assert!(matches!(runnable.run(), Ran::Returned));
    task.see_off(|_| panic!("there is nothing to see"));
    assert!(!task.has_output());
}

#[test]
fn a_panic_that_nobody_took_is_given_away() {
    let house = House::new();
    let (runnable, task) = spawn(async { resume_unwind(Box::new(7_u8)) }, house.tag());
    assert!(matches!(runnable.run(), Ran::Panicked));
    let mut payload = None;
    task.see_off(|unseen| match unseen {
        Unseen::Value(_) => panic!("it has no value"),
        Unseen::Panic(given) => payload = Some(given),
    });
    assert_eq!(*payload.unwrap().downcast::<u8>().unwrap(), 7);
    assert!(task.take_output::<()>().is_none());
}
