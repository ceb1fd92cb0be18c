//! Publish and subscribe, twice: by a set of queues, and by a broadcast.
//!
//! `cargo run --example pubsub`
//!
//! The set of queues is made by hand: every listener brings one, and takes it away when it leaves, however
//! it leaves. With a broadcast the publisher never waits, and one who is slow hears how much it missed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bibelot::{AsCancelled, BroadcastError, Queue, Wait, broadcast, spawn, task_group, yield_now};

/// Who listens: a queue for each.
#[derive(Clone, Default)]
struct Room(Rc<RefCell<BTreeMap<&'static str, Queue<String>>>>);

/// A listener's place in the room, which is free again when this is dropped.
struct Seat {
    room: Room,
    name: &'static str,
    queue: Queue<String>,
}

impl Room {
    fn sit_down(&self, name: &'static str) -> Seat {
        let queue = Queue::bounded(4);
        self.0.borrow_mut().insert(name, queue.clone());
        let room = self.clone();
        Seat { room, name, queue }
    }

    /// Waits until everybody has room for it.
    async fn publish(&self, text: &str) -> bibelot::Result<()> {
        let queues: Vec<_> = self.0.borrow().values().cloned().collect();
        for queue in queues {
            queue.put(text.to_owned()).await?;
        }
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.0.borrow_mut().remove(self.name);
    }
}

async fn listener(seat: Seat) -> bibelot::Result<()> {
    loop {
        match seat.queue.get().await {
            Ok(text) => println!("  {} hears: {text}", seat.name),
            Err(error) if error.is_cancelled() => {
                println!("  {} is sent home", seat.name);
                return Err(error.into());
            }
            Err(_closed) => return Ok(()),
        }
    }
}

async fn by_queues() -> bibelot::Result<()> {
    println!("A set of queues:");
    let room = Room::default();
    let outcome = task_group(Wait::None, async |group| {
        for name in ["Ada", "Bob", "Cy"] {
            group.spawn_named(name, listener(room.sit_down(name)))?;
        }
        room.publish("good evening").await?;
        yield_now().await?;
        // Bob leaves; nobody else notices.
        group.members()[1].cancel().await?;
        room.publish("Bob has left us").await?;
        yield_now().await?;
        println!("  still here: {:?}", room.0.borrow().keys());
        bibelot::Ok(())
    });
    println!("  sent home: {}", outcome.await?.len());
    println!("  and now: {:?}", room.0.borrow().keys());
    Ok(())
}

async fn by_broadcast() -> bibelot::Result<()> {
    println!("A broadcast that keeps three:");
    let (news, mut quick) = broadcast::<u32>(3);
    let mut slow = news.subscribe();
    let reader = spawn(async move {
        let mut heard = Vec::new();
        while let Ok(item) = quick.recv().await {
            heard.push(item);
        }
        heard
    });
    for item in 1..=5 {
        news.send(item).ok();
        yield_now().await?;
    }
    drop(news);
    println!("  the quick one hears {:?}", reader.await?);
    loop {
        match slow.recv().await {
            Ok(item) => println!("  the slow one hears {item}"),
            Err(BroadcastError::Lagged(count)) => println!("  the slow one missed {count}"),
            Err(_closed) => break,
        }
    }
    Ok(())
}

#[bibelot::main]
async fn main() -> bibelot::Result<()> {
    by_queues().await?;
    by_broadcast().await
}
