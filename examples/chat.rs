//! A chat server, and two who talk there.
//!
//! `cargo run --example chat`, or `cargo run --example chat -- serve 127.0.0.1:7777` for many with `nc`
//!
//! Each guest has two tasks in a group: one that takes what it says, one that gives it what all say. The
//! first of the two that ends ends the other, and a goodbye is said however that came about.

use bibelot::{
    BroadcastSender, TcpStream, Wait, broadcast, open_connection, start_server, task_group,
};

/// What everybody hears; who is slow misses what is older than this many lines.
const KEPT: usize = 100;

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().to_owned()
}

async fn guest(mut stream: TcpStream, all: BroadcastSender<String>) -> bibelot::Result<()> {
    stream.write(b"your name, please\n").await?;
    let Some(name) = stream.next_line().await? else {
        return Ok(());
    };
    let name = text(&name);
    let mut hears = all.subscribe();
    let say = |what: String| all.send(what).map_or(0, |guests| guests);
    say(format!("{name} is here"));
    let (mut reader, mut writer) = stream.into_split();
    let (speaks, talk) = (name.clone(), all.clone());
    let ended = task_group(Wait::Any, async |group| {
        group.spawn(async move {
            while let Some(line) = reader.next_line().await? {
                let _guests = talk.send(format!("{speaks}: {}", text(&line)));
            }
            bibelot::Ok(())
        })?;
        group.spawn(async move {
            while let Ok(line) = hears.recv().await {
                writer.write(format!("{line}\n").as_bytes()).await?;
            }
            bibelot::Ok(())
        })?;
        bibelot::Ok(())
    })
    .await;
    say(format!("{name} has left"));
    ended.map(drop)
}

/// One who talks, seen from its own side.
struct Friend {
    name: &'static str,
    stream: TcpStream,
}

impl Friend {
    async fn come(name: &'static str, port: u16) -> bibelot::Result<Self> {
        let mut stream = open_connection(("127.0.0.1", port)).await?;
        stream.next_line().await?;
        let mut friend = Self { name, stream };
        friend.says(name).await?;
        Ok(friend)
    }

    async fn says(&mut self, what: &str) -> bibelot::Result<()> {
        self.stream.write(format!("{what}\n").as_bytes()).await?;
        Ok(())
    }

    async fn hears(&mut self) -> bibelot::Result<()> {
        let line = self.stream.next_line().await?.unwrap_or_default();
        println!("{:>4} hears {:?}", self.name, text(&line));
        Ok(())
    }
}

async fn evening() -> bibelot::Result<()> {
    let (all, _) = broadcast(KEPT);
    let server = start_server("127.0.0.1:0", move |stream, _| guest(stream, all.clone())).await?;
    let port = server.local_addr().port();

    let mut ada = Friend::come("Ada", port).await?;
    ada.hears().await?;
    let mut bob = Friend::come("Bob", port).await?;
    ada.hears().await?;
    bob.hears().await?;
    ada.says("tea, anybody?").await?;
    ada.hears().await?;
    bob.hears().await?;
    bob.says("not today").await?;
    ada.hears().await?;
    bob.hears().await?;
    drop(bob);
    ada.hears().await?;

    server.close();
    server.cancel_handlers();
    server.wait_closed().await?;
    println!("closed");
    Ok(())
}

async fn serve(address: String) -> bibelot::Result<()> {
    let (all, _) = broadcast(KEPT);
    let server = start_server(address, move |stream, _| guest(stream, all.clone())).await?;
    println!("listening at {}", server.local_addr());
    server.wait_closed().await?;
    Ok(())
}

#[bibelot::main]
async fn main() -> bibelot::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("serve"), Some(address)) => serve(address).await,
        _ => evening().await,
    }
}
