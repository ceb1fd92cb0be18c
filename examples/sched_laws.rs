//! A scheduler of your own, checked by the laws: a lottery in which urgent tasks hold more tickets.
//!
//! The first version is fair only on average, and the laws say so: they show the shortest script in which
//! a task waits longer than promised. The second version lets the oldest run when it has waited enough.
//!
//! `cargo run --example sched_laws`

use bibelot_sched::laws::{Item, Laws};
use bibelot_sched::{Rng, Scheduler, Wake};

/// Draws the next item by lot; an item holds one to four tickets, by its hint.
struct Lottery {
    entries: Vec<Entry>,
    rng: Rng,
    /// How many later items may overtake one; `None` leaves it to luck.
    patience: Option<usize>,
}

struct Entry {
    item: Item,
    overtaken: usize,
}

impl Lottery {
    fn new(patience: Option<usize>) -> Self {
        Self {
            entries: Vec::new(),
            rng: Rng::new(7),
            patience,
        }
    }

    fn tickets(item: &Item) -> u64 {
        1 + u64::from(item.hint % 4)
    }

    /// Which entry is drawn.
    fn draw(&mut self) -> usize {
        // Whoever came first was overtaken most often, so it is enough to look at that one.
        if let Some(first) = self.entries.first()
            && self.patience == Some(first.overtaken)
        {
            return 0;
        }
        let all = self
            .entries
            .iter()
            .map(|entry| Self::tickets(&entry.item))
            .sum();
        let mut ticket = self.rng.below(all);
        for (index, entry) in self.entries.iter().enumerate() {
            match ticket.checked_sub(Self::tickets(&entry.item)) {
                Some(rest) => ticket = rest,
                None => return index,
            }
        }
        unreachable!("the ticket is one of those given out")
    }
}

impl Scheduler<Item> for Lottery {
    fn push(&mut self, item: Item, _why: Wake) {
        self.entries.push(Entry { item, overtaken: 0 });
    }

    fn pop(&mut self) -> Option<Item> {
        if self.entries.is_empty() {
            return None;
        }
        let drawn = self.draw();
        for earlier in &mut self.entries[..drawn] {
            earlier.overtaken += 1;
        }
        Some(self.entries.remove(drawn).item)
    }

    fn len(&self) -> usize {
        self.entries.len()
    }
}

fn main() {
    let laws = Laws::new().bypass_max(5);

    println!("Left to luck, is an item overtaken five times at most?\n");
    match laws.check(|| Lottery::new(None)) {
        Ok(()) => println!("yes"),
        Err(broken) => println!("{broken}"),
    }

    println!("And if the oldest runs once it was overtaken five times?\n");
    match laws.check(|| Lottery::new(Some(5))) {
        Ok(()) => println!("yes: 256 random scripts, nothing lost, nobody starved"),
        Err(broken) => println!("{broken}"),
    }
}
