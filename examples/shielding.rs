//! Shielding what must not be left half done.
//!
//! `cargo run --example shielding`
//!
//! A transfer takes from one account and gives to another, and both steps wait. Told to stop between them,
//! it would lose the money. The program runs in the simulated world, so that the requests come exactly
//! there.

use std::time::Duration;

use bibelot::{
    AsCancelled, Cancelled, Lock, check_cancellation, clock, shield, shield_for, sleep, spawn,
    timeout_after,
};
use bibelot_sim::Sim;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn say(what: &str) {
    println!("{:>4} ms  {what}", clock().as_nanos() / 1_000_000);
}

#[derive(Clone)]
struct Bank(Lock<[i32; 2]>);

impl Bank {
    async fn transfer(&self, amount: i32) -> Result<(), Cancelled> {
        let mut accounts = self.0.lock().await?;
        accounts[0] -= amount;
        sleep(ms(10)).await?;
        accounts[1] += amount;
        Ok(())
    }

    fn show(&self) {
        let accounts = *self.0.try_lock().expect("nobody is at it");
        let sum: i32 = accounts.iter().sum();
        say(&format!("{accounts:?}, together {sum}"));
    }
}

async fn bare(bank: Bank) -> bibelot::Result<()> {
    println!("Without a shield:");
    let task = spawn({
        let bank = bank.clone();
        async move { bank.transfer(30).await }
    });
    sleep(ms(5)).await?;
    task.cancel().await?;
    bank.show();
    Ok(())
}

async fn shielded(bank: Bank) -> bibelot::Result<()> {
    println!("Behind a shield:");
    let task = spawn({
        let bank = bank.clone();
        async move {
            for _ in 0..10 {
                shield(bank.transfer(10)).await?;
                say("one transfer is whole");
                // Between two of them it may stop: here, or at the next wait.
                check_cancellation()?;
            }
            Ok::<_, Cancelled>(())
        }
    });
    sleep(ms(15)).await?;
    say("asking it to stop");
    task.cancel().await?;
    bank.show();
    Ok(())
}

async fn bounded(bank: Bank) -> bibelot::Result<()> {
    println!("Behind a shield that holds for 20 ms:");
    let cut = timeout_after(
        ms(5),
        shield_for(ms(20), async {
            let _accounts = bank.0.lock().await?;
            sleep(Duration::from_secs(3600)).await.map(drop)
        }),
    );
    say(&format!(
        "it ends, timed out: {}",
        cut.await.unwrap_err().timed_out()
    ));
    bank.show();
    Ok(())
}

async fn chapters() -> bibelot::Result<()> {
    bare(Bank(Lock::new([100, 0]))).await?;
    shielded(Bank(Lock::new([100, 0]))).await?;
    bounded(Bank(Lock::new([100, 0]))).await
}

fn main() -> bibelot::Result<()> {
    Sim::calm().block_on(chapters())
}
