//! Limits inside limits: who is told, who times out, and what clean-up may still do.
//!
//! `cargo run --example nested_timeouts`
//!
//! The program runs in the simulated world, so its times are exact and it takes none.

use std::time::Duration;

use bibelot::{AsCancelled, Cancelled, clock, ignore_after, shield, sleep, timeout_after};
use bibelot_sim::Sim;

type Cut<T = ()> = Result<T, Cancelled>;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Prints what became of `what`, and when.
fn show<T>(what: &str, result: &Cut<T>) {
    let end = match result {
        Ok(_) => "done".to_owned(),
        Err(error) if error.timed_out() => "timed out".to_owned(),
        Err(error) if error.is_uncaught() => {
            "fails: a timeout inside that nobody caught".to_owned()
        }
        Err(error) => format!("is told to stop ({})", error.cause()),
    };
    println!("{:>4} ms  {what} {end}", clock().as_nanos() / 1_000_000);
}

/// Works, and tidies up when it is told to stop: clean-up may wait, too.
async fn work(what: &str, span: Duration) -> Cut {
    let result = sleep(span).await.map(drop);
    show(what, &result);
    if result.is_err() {
        sleep(ms(5)).await?;
        println!(
            "{:>4} ms  {what} has tidied up",
            clock().as_nanos() / 1_000_000
        );
    }
    result
}

async fn chapters() {
    println!("The inner limit is the shorter one, and its timeout is caught:");
    let outer = timeout_after(ms(100), async {
        let inner = timeout_after(ms(10), work("work", ms(50))).await;
        show("inner", &inner);
        work("more work", ms(20)).await
    });
    show("outer", &outer.await);

    println!("The outer limit is the shorter one: the inner passes it on:");
    let outer = timeout_after(ms(10), async {
        let inner = timeout_after(ms(100), work("work", ms(500))).await;
        show("inner", &inner);
        inner
    });
    show("outer", &outer.await);

    println!("The inner swallows what was meant for the outer, which says it again:");
    let outer = timeout_after(ms(10), async {
        let inner = timeout_after(ms(100), async {
            let _swallowed = work("work", ms(500)).await;
            Ok(())
        });
        show("inner", &inner.await);
        work("more work", ms(500)).await
    });
    show("outer", &outer.await);

    println!("A timeout that nobody catches is no timeout of the outer limit:");
    let outer = timeout_after(ms(100), async {
        timeout_after(ms(10), work("work", ms(50))).await?;
        work("never begun", ms(1)).await
    });
    show("outer", &outer.await);

    println!("Behind a shield, a limit of its own bounds what must not be disturbed:");
    let outer = ignore_after(ms(10), async {
        let saved = shield(timeout_after(ms(30), work("saving", ms(50)))).await;
        show("saving under its limit", &saved);
        work("more work", ms(50)).await
    });
    match outer.await {
        Ok(None) => println!("      the outer limit passed, and that is fine"),
        other => show("outer", &other),
    }
}

fn main() {
    Sim::calm().block_on(chapters());
}
