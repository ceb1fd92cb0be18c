//! Hello, in the words of the talk: a coroutine runs when somebody runs it.
//!
//! ```sh
//! cargo run --example hello
//! ```

use std::time::Duration;

use bibelot::{sleep, spawn};

#[bibelot::main]
async fn main() -> bibelot::Result<()> {
    let friend = spawn(async {
        sleep(Duration::from_millis(10)).await?;
        bibelot::Ok("and hello from a friend")
    });
    println!("Hello!");
    println!("{}", friend.await??);
    Ok(())
}
