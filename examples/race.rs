//! Races: several ways to one answer, of which the first counts.
//!
//! `cargo run --example race`
//!
//! The program runs in the simulated world, so its times are exact and it takes none.

use std::time::Duration;

use bibelot::{Cancelled, Wait, clock, race, select, sleep, task_group};
use bibelot_sim::Sim;

fn say(what: &str) {
    println!("{:>4} ms  {what}", clock().as_nanos() / 1_000_000);
}

/// Asks a mirror, which takes its time.
async fn mirror(name: &'static str, takes: u64, has_it: bool) -> bibelot::Result<Option<String>> {
    match sleep(Duration::from_millis(takes)).await {
        Ok(_) if has_it => Ok(Some(format!("the file, from {name}"))),
        Ok(_) => {
            say(&format!("{name} does not have it"));
            Ok(None)
        }
        Err(cut) => {
            say(&format!("{name} hangs up"));
            Err(cut.into())
        }
    }
}

async fn races() -> bibelot::Result<()> {
    println!("In a group, the first that ends is the last that is waited for:");
    let outcome = task_group(Wait::Any, async |mirrors| {
        mirrors.spawn(mirror("oslo", 30, true))?;
        mirrors.spawn(mirror("lima", 10, true))?;
        mirrors.spawn(mirror("perth", 20, true))?;
        bibelot::Ok(())
    });
    if let Some(Ok(Some(file))) = outcome.await?.into_first() {
        say(&file);
    }

    println!("Or the first that has something:");
    let outcome = task_group(Wait::SOME, async |mirrors| {
        mirrors.spawn(mirror("oslo", 30, true))?;
        mirrors.spawn(mirror("lima", 10, false))?;
        mirrors.spawn(mirror("perth", 20, true))?;
        bibelot::Ok(())
    });
    if let Some(Ok(Some(file))) = outcome.await?.into_first() {
        say(&file);
    }

    println!("In one task, the losers are dropped where they stand:");
    let wait = |ms| async move {
        sleep(Duration::from_millis(ms)).await?;
        Ok::<_, Cancelled>(ms)
    };
    let first = race((wait(30), wait(10), wait(20))).await?;
    say(&format!("the one of {first} ms"));

    println!("And of different kinds, each has a branch:");
    let mut slow = std::pin::pin!(wait(25));
    select! {
        first = wait(15) => say(&format!("the one of {} ms", first?)),
        late = &mut slow => say(&format!("the slow one, of {} ms", late?)),
    }
    // Only lent, it has not been dropped.
    say(&format!("and at last the one of {} ms", slow.await?));
    Ok(())
}

fn main() -> bibelot::Result<()> {
    Sim::calm().block_on(races())
}
