//! A countdown, a kid who builds a castle, and a parent in a hurry.
//!
//! `cargo run --example kid`, or `cargo run --example kid -- real` to wait for it.
//!
//! Five evenings, one idea each: a task beside another; a limit on waiting for it; a cancel, after which
//! it tidies up; friends in a group, whom nobody forgets at the table; and a kid who may finish one thing.

use std::time::Duration;

use bibelot::{
    AsCancelled, Cancelled, Event, Task, Wait, clock, shield, sleep, spawn, task_group,
    timeout_after,
};
use bibelot_sim::Sim;

const fn minutes(n: u64) -> Duration {
    Duration::from_millis(100 * n)
}

fn say(who: &str, what: &str) {
    let minute = clock().as_nanos() / 100_000_000;
    println!("{minute:>3} min  {who}: {what}");
}

async fn countdown(from: u64) -> Result<(), Cancelled> {
    for left in (1..=from).rev() {
        say("parent", &format!("{left}..."));
        sleep(minutes(1)).await?;
    }
    Ok(())
}

/// Builds for half an hour. Told to stop, it puts the bricks away, which takes time as well.
async fn kid(name: &'static str) -> Result<&'static str, Cancelled> {
    say(name, "building a castle");
    match sleep(minutes(30)).await {
        Ok(_) => Ok("a castle with four towers"),
        Err(cut) => {
            say(name, "putting the bricks away");
            sleep(minutes(2)).await?;
            say(name, "done");
            Err(cut)
        }
    }
}

async fn first_evening() -> bibelot::Result<()> {
    println!("The first evening: one does not wait for the other, until it asks");
    let kid: Task<_> = spawn(kid("kid"));
    countdown(3).await?;
    say("parent", "how far are you?");
    say("parent", &format!("I see {}. Let's go!", kid.await??));
    Ok(())
}

async fn second_evening() -> bibelot::Result<()> {
    println!("The second evening: there is a limit to waiting, and it is the waiting that ends");
    let kid = spawn(kid("kid"));
    countdown(3).await?;
    let waited = timeout_after(minutes(10), kid.wait()).await;
    assert!(waited.unwrap_err().timed_out());
    say("parent", "hurry up!");
    kid.cancel().await?;
    say("parent", "now we go");
    assert!(kid.await?.unwrap_err().is_live());
    Ok(())
}

async fn third_evening() -> bibelot::Result<()> {
    println!("The third evening: the limit reaches what it surrounds");
    let cut = timeout_after(minutes(10), kid("kid")).await.unwrap_err();
    assert!(cut.timed_out());
    say("parent", "now we go");
    Ok(())
}

async fn fourth_evening() -> bibelot::Result<()> {
    println!("The fourth evening: friends come along, and nobody stays behind");
    let bell = Event::new();
    let outcome = task_group(Wait::None, async |friends| {
        for name in ["Ada", "Bob"] {
            let bell = bell.clone();
            friends.spawn(async move {
                bell.wait().await?;
                bibelot::Ok(kid(name).await?)
            })?;
        }
        countdown(2).await?;
        bell.set();
        sleep(minutes(5)).await?;
        say("parent", "hurry up, all of you!");
        bibelot::Ok(())
    });
    let outcome = outcome.await?;
    say("parent", &format!("{} kids in the car", outcome.len()));
    Ok(())
}

async fn fifth_evening() -> bibelot::Result<()> {
    println!("The fifth evening: what must not be left half done stands behind a shield");
    let kid = spawn(async {
        say("kid", "gluing the last tower");
        let glued = shield(async {
            sleep(minutes(6)).await?;
            say("kid", "glued");
            Ok::<_, Cancelled>("a tower that holds")
        });
        let tower = glued.await?;
        // Here it hears what it was told meanwhile.
        if sleep(minutes(30)).await.is_err() {
            say("kid", "coming");
        }
        Ok::<_, Cancelled>(tower)
    });
    countdown(2).await?;
    say("parent", "hurry up!");
    kid.cancel().await?;
    say("parent", &format!("I see {}. Let's go!", kid.await??));
    Ok(())
}

async fn week() -> bibelot::Result<()> {
    first_evening().await?;
    second_evening().await?;
    third_evening().await?;
    fourth_evening().await?;
    fifth_evening().await
}

fn main() -> bibelot::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("real") => bibelot::run(week()),
        _ => Sim::calm().block_on(week()),
    }
}
