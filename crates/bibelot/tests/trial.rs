//! Tests under `#[bibelot::test]` that do not end, each in a process of its own where they would fail.

use std::env;
use std::process::Command;
use std::time::Duration;

use bibelot::testing::Trial;
use bibelot::{Event, TaskBuilder, clock, run_in_thread, sleep, yield_now};
use bibelot_sim::Sim;

#[bibelot::test(virtual_time, seed = 7, timeout = "2h")]
async fn virtual_time_passes_at_once() {
    let began = clock();
    sleep(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(clock() - began, Duration::from_secs(3600));
}

#[bibelot::test(uring, poll, sim, timeout = "60s", worker_threads_max = 1)]
async fn a_test_that_ends_in_time_is_not_disturbed() {
    yield_now().await.unwrap();
    assert_eq!(run_in_thread(|| 7).await.unwrap(), 7);
}

#[bibelot::test(timeout = "20ms")]
#[should_panic(expected = "the test did not end within 20ms; its tasks:")]
async fn a_test_that_waits_for_ever_fails_by_the_clock() {
    Event::new().wait().await.unwrap();
}

#[bibelot::test(virtual_time, timeout = "5m")]
#[should_panic(expected = "\"main\": event at ")]
async fn a_test_that_waits_for_ever_names_what_it_waits_for_in_virtual_time() {
    Event::new().wait().await.unwrap();
}

#[bibelot::test(timeout = "20ms")]
#[should_panic(expected = "tests/trial.rs")]
async fn the_tasks_of_a_test_that_hangs_are_told_with_their_places() {
    let waits = TaskBuilder::new().name("waits").spawn(async {
        Event::new().wait().await.unwrap();
    });
    // Behind a shield, and without hearing anything: it is broken off all the same.
    bibelot::shield(waits.join()).await.unwrap();
}

#[bibelot::test(timeout = "20ms")]
#[should_panic(expected = "the test did not end within 20ms")]
async fn a_test_that_yields_for_ever_fails() {
    loop {
        yield_now().await.unwrap();
    }
}

#[test]
#[should_panic(expected = "the test did not end within 30ms")]
fn a_simulated_test_that_never_waits_fails_by_the_real_clock() {
    let trial = Trial::new().timeout(Duration::from_secs(3600));
    let trial = trial.real_timeout(Duration::from_millis(30));
    trial.on(Sim::calm(), "sim", || async {
        loop {
            yield_now().await.unwrap();
        }
    });
}

const VARIABLE: &str = "BIBELOT_TRIAL_CHILD";

/// Runs the test `name` alone in a process of its own: its status, and what it said. `None` in that process.
fn child(name: &str) -> Option<(Option<i32>, String)> {
    if env::var_os(VARIABLE).is_some_and(|child| child == name) {
        return None;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(VARIABLE, name)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some((output.status.code(), said))
}

/// A test that is given little time.
fn short() -> Trial {
    Trial::new()
        .timeout(Duration::from_millis(10))
        .real_timeout(Duration::from_millis(30))
        .patience(Duration::from_millis(20))
}

#[test]
fn a_test_that_is_stuck_in_a_computation_ends_its_process_and_says_so() {
    let name = "a_test_that_is_stuck_in_a_computation_ends_its_process_and_says_so";
    let Some((status, said)) = child(name) else {
        return short().on_auto(|| async {
            yield_now().await.unwrap();
            loop {
                std::hint::spin_loop();
            }
        });
    };
    assert_eq!(status, Some(101), "{said}");
    assert!(said.contains("the test did not end within 30ms"), "{said}");
    assert!(said.contains("\"main\": running"), "{said}");
    assert!(said.contains("it cannot be broken off"), "{said}");
}

#[test]
fn a_test_whose_clean_up_hangs_ends_its_process_and_names_the_task() {
    let name = "a_test_whose_clean_up_hangs_ends_its_process_and_names_the_task";
    let Some((status, said)) = child(name) else {
        return short().on_auto(|| async {
            let forever = bibelot::spawn(async {
                loop {
                    let _ = bibelot::shield(sleep(Duration::from_secs(3600))).await;
                }
            });
            yield_now().await.unwrap();
            forever.detach();
        });
    };
    assert_eq!(status, Some(101), "{said}");
    assert!(said.contains("sleep at "), "{said}");
}

/// The README's, which is only compiled there.
#[bibelot::test(uring, poll, sim, seed = 7, timeout = "10s")]
async fn children_borrow_from_their_scope() {
    let words = ["spam", "ham"];
    let letters = bibelot::local_scope(async |scope| {
        let [spam, ham] = words
            .each_ref()
            .map(|word| scope.spawn(async move { word.len() }));
        spam.await.unwrap() + ham.await.unwrap()
    });
    assert_eq!(letters.await, 7);
}
