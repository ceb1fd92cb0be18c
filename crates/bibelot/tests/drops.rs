//! Several values whose drops panic: where this crate drops them, one panic does not meet another.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bibelot::{Cluster, Error, TaskGroup, Wait, set_crash_hook, sleep, spawn, task_group};

const MS: Duration = Duration::from_millis(1);

/// Panics when it is dropped.
struct Bad(&'static str);

impl Drop for Bad {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

/// Panics when it is asked what it says.
#[derive(Debug)]
struct Mute;

impl fmt::Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("mute");
    }
}

impl std::error::Error for Mute {}

type Told = Arc<Mutex<Vec<String>>>;

/// How often the hook was told of a panic that says `what`, until now.
fn take(told: &Told, what: &str) -> usize {
    let mut told = told.lock().unwrap();
    let before = told.len();
    told.retain(|message| !message.starts_with(what));
    before - told.len()
}

/// What three members came to, in a group that is dropped: by its owner, and by a panic of its owner.
async fn values_of_members(told: &Told) {
    let group = TaskGroup::<Bad, Error>::new(Wait::All);
    for _ in 0..3 {
        group.spawn(async { Ok(Bad("member")) }).unwrap();
    }
    sleep(MS).await.unwrap();
    drop(group);
    assert_eq!(take(told, "member"), 3);
    let owner = spawn(async {
        task_group(Wait::All, async |group| {
            for _ in 0..3 {
                group.spawn(async { bibelot::Ok(Bad("member")) })?;
            }
            sleep(MS).await?;
            panic!("the owner");
            #[expect(unreachable_code, reason = "it gives the type")]
            bibelot::Ok(())
        })
        .await
        .map(drop)
    });
    assert!(owner.await.is_err());
    assert_eq!(take(told, "member"), 3);
}

/// Errors of members that panic when they are to be told of.
async fn errors_of_members(told: &Told) {
    let group = TaskGroup::<(), io::Error>::new(Wait::None);
    for _ in 0..3 {
        group.spawn(async { Err(io::Error::other(Mute)) }).unwrap();
    }
    sleep(MS).await.unwrap();
    drop(group);
    assert_eq!(take(told, "mute"), 3);
}

/// An error of a task that nobody joins.
async fn errors_of_tasks(told: &Told) {
    for is_over in [false, true] {
        let task = spawn(async { Err::<(), _>(io::Error::other(Mute)) });
        if is_over {
            sleep(MS).await.unwrap();
        }
        task.detach();
        sleep(MS).await.unwrap();
        assert_eq!(take(told, "mute"), 1);
    }
}

/// What tasks of a cluster came to whose handles are dropped together.
async fn values_of_other_kernels(told: &Told) {
    let cluster = Cluster::builder().kernels(1).build().unwrap();
    let tasks: Vec<_> = (0..3)
        .map(|_| cluster.spawn(async || Bad("far")).unwrap())
        .collect();
    while tasks.iter().any(|task| !task.is_finished()) {
        sleep(MS).await.unwrap();
    }
    drop(tasks);
    assert_eq!(take(told, "far"), 3);
    assert!(cluster.shutdown(MS * 10_000).is_clean());
}

#[bibelot::test(uring, poll)]
async fn values_whose_drops_panic_are_dropped_one_by_one_and_told() {
    let told = Told::default();
    let tell = told.clone();
    set_crash_hook(move |crash| tell.lock().unwrap().push(crash.message.to_owned()));
    values_of_members(&told).await;
    errors_of_members(&told).await;
    errors_of_tasks(&told).await;
    values_of_other_kernels(&told).await;
    let left = told.lock().unwrap();
    assert!(left.is_empty(), "{left:?}");
}
