//! Happy eyeballs, in outline: several addresses, a head start for each, and the first connection wins.
//!
//! `cargo run --example happy_eyeballs`
//!
//! One attempt after another begins, a quarter of a second apart, or at once when the one before has
//! failed. The program runs in the simulated world, where there is a host that never answers.

use std::net::SocketAddr;
use std::time::Duration;

use bibelot::{
    AsCancelled, Error, Event, TcpListener, TcpStream, Wait, clock, ignore_after, race, spawn,
    task_group,
};
use bibelot_sim::{Sim, silent_peer};

const HEAD_START: Duration = Duration::from_millis(250);

fn say(what: &str) {
    println!("{:>4} ms  {what}", clock().as_nanos() / 1_000_000);
}

/// Connects to the first of these that answers.
async fn connect(peers: Vec<SocketAddr>) -> bibelot::Result<TcpStream> {
    let connected = Event::new();
    let outcome = task_group(Wait::SOME, async |attempts| {
        for (number, peer) in peers.into_iter().enumerate() {
            let failed = Event::new();
            let (connected, tell) = (connected.clone(), failed.clone());
            let done = connected.clone();
            attempts.spawn(async move {
                say(&format!("attempt {number} begins"));
                match TcpStream::connect(peer).await {
                    Ok(stream) => {
                        done.set();
                        Ok::<_, Error>(Some(stream))
                    }
                    Err(cut) if cut.is_cancelled() => {
                        say(&format!("attempt {number} is given up"));
                        Err(cut.into())
                    }
                    Err(error) => {
                        say(&format!("attempt {number}: {}", error.kind()));
                        tell.set();
                        Ok(None)
                    }
                }
            })?;
            // The next one begins in a while, or as soon as this one is known to be in vain.
            let news = race((connected.wait(), failed.wait()));
            ignore_after(HEAD_START, news).await?;
            if connected.is_set() {
                break;
            }
        }
        bibelot::Ok(())
    });
    match outcome.await?.into_first() {
        Some(Ok(Some(stream))) => Ok(stream),
        _ => Err(Error::Io(std::io::ErrorKind::HostUnreachable.into())),
    }
}

async fn story() -> bibelot::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let here = listener.local_addr()?;
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let server = spawn(async move { listener.accept().await.map(drop) });

    let stream = connect(vec![silent_peer(), nobody, here, silent_peer()]).await?;
    say(&format!(
        "connected to the third: {}",
        stream.peer_addr()? == here
    ));
    server.await??;

    let none = connect(vec![nobody, nobody]).await;
    say(&format!("and to nobody: {}", none.unwrap_err()));
    Ok(())
}

fn main() -> bibelot::Result<()> {
    Sim::calm().block_on(story())
}
