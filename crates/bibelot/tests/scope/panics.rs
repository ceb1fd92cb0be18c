//! Panics of children: no one is lost, and none is kept.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bibelot::{
    Ended, TaskError, local_scope, set_crash_hook, sleep, spawn, timeout_drop, with_cleanup,
    yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);
const MS: Duration = Duration::from_millis(1);

/// What the crash hook is told; there is one hook, and so one test that sets it.
type Told = Arc<Mutex<Vec<String>>>;

async fn of_several_the_first_goes_on_and_the_others_are_told(told: &Told) {
    let owner = spawn(async {
        local_scope(async |scope| {
            for name in ["one", "two", "three"] {
                scope.spawn(async move { panic!("{name}") });
            }
        })
        .await;
    });
    let Err(TaskError::Panicked(panic)) = owner.await else {
        panic!("it goes on with a child's panic");
    };
    assert_eq!(panic.message(), Some("one"));
    assert_eq!(taken(told), ["two", "three"]);
}

async fn those_of_a_dropped_scope_are_told(told: &Told) {
    let scope = local_scope(async |scope| {
        scope.spawn(async { panic!("early") });
        sleep(HOUR).await
    });
    assert!(timeout_drop(5 * MS, scope).await.is_err());
    assert_eq!(taken(told), ["early"]);
}

async fn those_before_the_bodys_are_told(told: &Told) {
    let owner = spawn(async {
        local_scope(async |scope| {
            scope.spawn(async { panic!("child") });
            sleep(MS).await.unwrap();
            panic!("body");
        })
        .await;
    });
    let Err(TaskError::Panicked(panic)) = owner.await else {
        panic!("it goes on with the body's panic");
    };
    assert_eq!(panic.message(), Some("body"));
    assert_eq!(taken(told), ["child"]);
}

async fn one_that_was_awaited_is_not_told(told: &Told) {
    let mut late = None;
    local_scope(async |scope| {
        for _ in 0..20 {
            let child = scope.spawn(async { panic!("awaited") });
            assert!(matches!(child.await, Err(TaskError::Panicked(_))));
        }
        late = Some(scope.spawn(async {}));
    })
    .await;
    assert!(late.unwrap().await.is_ok());
    assert!(taken(told).is_empty());
}

async fn one_that_a_clean_up_ignores_is_told(told: &Told) {
    let body = || async {
        yield_now().await?;
        panic!("body");
        #[expect(unreachable_code, reason = "it gives the type")]
        bibelot::Ok(())
    };
    let ignored = with_cleanup(body(), async |_| bibelot::Ok(7)).await;
    assert_eq!(ignored.unwrap(), 7);
    // Also when the clean-up is dropped in its middle.
    let dropped = with_cleanup(body(), async |_ended| pending::<()>().await);
    assert!(timeout_drop(MS, dropped).await.is_err());
    assert_eq!(taken(told), [IGNORED; 2]);
}

async fn one_that_a_clean_up_gives_on_or_keeps_is_not_told(told: &Told) {
    let body = || async {
        panic!("body");
        #[expect(unreachable_code, reason = "it gives the type")]
        bibelot::Ok(())
    };
    let given = spawn(async move { with_cleanup(body(), async |ended| ended.into_result()).await });
    assert!(matches!(given.await, Err(TaskError::Panicked { .. })));
    let kept = with_cleanup(body(), async |ended| ended).await;
    assert!(matches!(&kept, Ended::Panicked(panic) if panic.message() == Some("body")));
    drop(kept);
    let taken_out = with_cleanup(body(), async |ended| match ended {
        Ended::Panicked(panic) => drop(panic.into_payload()),
        _ => unreachable!(),
    });
    taken_out.await;
    assert!(taken(told).is_empty());
}

const IGNORED: &str = "body (in a body whose clean-up ignored it)";

fn taken(told: &Told) -> Vec<String> {
    let mut told = told.lock().unwrap();
    // Tests beside this one may leave panics, too.
    told.retain(|said| {
        let ours = [
            "one", "two", "three", "early", "child", "body", "awaited", IGNORED,
        ];
        ours.contains(&said.as_str())
    });
    std::mem::take(&mut told)
}

#[bibelot::test(uring, poll, sim)]
async fn a_panic_that_nobody_is_given_is_told_to_the_crash_hook_once() {
    let told = Told::default();
    let tell = told.clone();
    set_crash_hook(move |crash| {
        assert!(crash.is_panic());
        tell.lock().unwrap().push(crash.message.to_owned());
    });
    of_several_the_first_goes_on_and_the_others_are_told(&told).await;
    those_of_a_dropped_scope_are_told(&told).await;
    those_before_the_bodys_are_told(&told).await;
    one_that_was_awaited_is_not_told(&told).await;
    one_that_a_clean_up_ignores_is_told(&told).await;
    one_that_a_clean_up_gives_on_or_keeps_is_not_told(&told).await;
}
