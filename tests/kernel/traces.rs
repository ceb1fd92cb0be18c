//! Where a task waits, as data and as text.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use bibelot::{
    CancelScope, Cancelled, Event, Kernel, ScopeAround, TaskBuilder, Traceback, WaitReason,
    current, join, shield, sleep, spawn, timeout_after, traceback, yield_now,
};

const LONG: Duration = Duration::from_secs(3600);

fn lines(trace: &Traceback) -> Vec<(WaitReason, u32)> {
    let waits = trace.waits.iter();
    waits.map(|wait| (wait.wait, wait.site.line())).collect()
}

#[bibelot::test(uring, poll, sim)]
async fn each_arm_of_a_join_is_told() {
    let here = line!();
    let task = spawn(async {
        let event = Event::new();
        let (slept, told) = join((sleep(LONG), event.wait())).await;
        slept.is_ok() && told.is_ok()
    });
    sleep(Duration::from_millis(1)).await.unwrap();
    let trace = task.traceback().unwrap();
    let expected = [(WaitReason::Sleep, here + 3), (WaitReason::Event, here + 3)];
    assert_eq!(lines(&trace), expected);
    task.interrupt();
    for _ in 0..2 {
        yield_now().await.unwrap();
    }
    task.await.unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn arms_with_wakers_of_their_own_are_told_with_their_scopes() {
    let here = line!();
    let task = TaskBuilder::new().name("waiter").spawn(async {
        let event = Event::new();
        let arms: [Pin<Box<dyn Future<Output = ()>>>; 2] = [
            Box::pin(async { drop(shield(sleep(LONG)).await) }),
            Box::pin(async { drop(event.wait().await) }),
        ];
        let limited = timeout_after(LONG, async {
            let mut arms: FuturesUnordered<_> = arms.into_iter().collect();
            while arms.next().await.is_some() {}
            Ok::<_, Cancelled>(())
        });
        limited.await
    });
    // Such a combinator gives way once by itself.
    for _ in 0..3 {
        yield_now().await.unwrap();
    }
    let trace = task.traceback().unwrap();
    let mut found = lines(&trace);
    found.sort_unstable_by_key(|(_, line)| *line);
    let expected = [(WaitReason::Sleep, here + 4), (WaitReason::Event, here + 5)];
    assert_eq!(found, expected);
    let slept = trace
        .waits
        .iter()
        .find(|wait| wait.wait == WaitReason::Sleep);
    let slept = slept.unwrap();
    assert!(matches!(
        slept.scopes.as_deref(),
        Some([ScopeAround::Limit(Some(_)), ScopeAround::Shield(None)])
    ));
    let text = trace.to_string();
    let head = format!("task {} \"waiter\": ", task.id());
    assert!(
        text.starts_with(&head) && text.contains("spawned at"),
        "{text}"
    );
    let text: Vec<&str> = text.lines().map(str::trim_start).collect();
    let slept = text
        .iter()
        .position(|line| line.starts_with("waits: sleep at "));
    let slept = &text[slept.unwrap()..];
    assert!(slept[0].contains("traces.rs") && slept[0].contains(", at most until "));
    assert_eq!(slept[1], "inside a shield");
    assert!(slept[2].starts_with("inside a limit until "));
    task.abort();
    assert!(task.traceback().unwrap().waits.is_empty(), "it has ended");
}

#[bibelot::test(uring, poll, sim)]
async fn a_plain_wait_is_told_with_its_place() {
    let here = line!();
    let task = spawn(async { timeout_after(LONG, sleep(LONG)).await.is_ok() });
    let number = task.id().number();
    assert!(
        task.traceback().unwrap().waits.is_empty(),
        "it has not begun"
    );
    sleep(Duration::from_millis(1)).await.unwrap();
    let trace = traceback(number).unwrap();
    assert_eq!(lines(&trace), [(WaitReason::Sleep, here + 1)]);
    assert!(trace.waits[0].deadline.is_some());
    assert_eq!(trace.waits[0].scopes, None);
    let own = current().traceback().unwrap();
    assert!(own.waits.is_empty(), "it runs");
    task.cancel().await.unwrap();
    drop(task);
    assert!(traceback(number).is_none());
}

#[test]
fn a_kernel_that_is_built_to_keeps_all_waits_and_their_scopes() {
    let mut kernel = Kernel::builder().tracebacks(true).build().unwrap();
    let scope = CancelScope::new();
    kernel.block_on(async {
        let here = line!();
        let task = spawn(async move {
            let both = async {
                let (mut a, mut b) = (pin!(sleep(LONG)), pin!(yields_and_sleeps()));
                poll_fn(|context| {
                    let _ = a.as_mut().poll(context);
                    let _ = b.as_mut().poll(context);
                    Poll::<bibelot::Result<()>>::Pending
                })
                .await
            };
            scope.run(both).await.is_ok()
        });
        for _ in 0..3 {
            yield_now().await.unwrap();
        }
        let trace = task.traceback().unwrap();
        assert_eq!(trace.waits.len(), 2);
        assert_eq!(lines(&trace)[0], (WaitReason::Sleep, here + 3));
        for wait in &trace.waits {
            assert_eq!(wait.wait, WaitReason::Sleep);
            assert_eq!(wait.scopes.as_deref(), Some(&[ScopeAround::Scope][..]));
        }
        task.abort();
    });
}

async fn yields_and_sleeps() {
    yield_now().await.unwrap();
    let _cut = sleep(LONG).await;
}

#[bibelot::test(uring, poll, sim)]
async fn of_a_crowd_that_parked_in_one_poll_some_are_told() {
    let task = spawn(async {
        let mut crowd: Vec<_> = (0..1_000).map(|_| Box::pin(sleep(LONG))).collect();
        poll_fn(|context| {
            let mut polled = crowd.iter_mut().map(|sleep| sleep.as_mut().poll(context));
            assert!(polled.all(|polled| polled.is_pending()));
            Poll::<()>::Pending
        })
        .await;
    });
    sleep(Duration::from_millis(1)).await.unwrap();
    let told = task.traceback().unwrap().waits.len();
    assert!((2..=64).contains(&told), "{told} are told");
    task.abort();
}
