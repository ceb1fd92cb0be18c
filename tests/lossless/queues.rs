//! Queues: each item is got once, and one that could not be put comes back.

use std::io;

use bibelot::{Error, Queue, sleep, spawn};

use crate::cut::{Cut, storm};
use crate::rng::Rng;
use crate::run::everywhere;

const TASKS: usize = 3;
const ITEMS: usize = 40;

type Item = (usize, usize);

async fn put_all(queue: Queue<Item>, task: usize, cut: Cut, mut rng: Rng) -> io::Result<()> {
    let mut state = (queue, (task, 0));
    for n in 0..ITEMS {
        state.1 = (task, n);
        let put;
        (state, put) = storm(state, cut, &mut rng, |(queue, item)| {
            Box::pin(async {
                match queue.put(*item).await {
                    Ok(()) => Ok(()),
                    Err(error) => {
                        assert_eq!(error.item, Some(*item), "it comes back");
                        Err(Error::from(error).into())
                    }
                }
            })
        })
        .await;
        put?;
        if rng.below(3) == 0 {
            sleep(rng.span()).await?;
        }
    }
    Ok(())
}

async fn get_all(queue: Queue<Item>, cut: Cut, mut rng: Rng) -> io::Result<Vec<Item>> {
    let mut state = queue;
    let mut items = Vec::new();
    loop {
        let got;
        (state, got) = storm(state, cut, &mut rng, |queue| {
            Box::pin(async { queue.get().await.map_err(|error| Error::from(error).into()) })
        })
        .await;
        match got.map_err(Error::from) {
            Ok(item) => items.push(item),
            Err(Error::Closed) => return Ok(items),
            Err(error) => return Err(error.into()),
        }
        state.task_done().expect("it was put");
        if rng.below(3) == 0 {
            sleep(rng.span()).await?;
        }
    }
}

#[test]
fn every_item_is_got_once_whatever_cuts_the_put_and_the_get() {
    everywhere(async |cut, mut rng| {
        let queue = Queue::bounded(2);
        let putters: Vec<_> = (0..TASKS)
            .map(|task| spawn(put_all(queue.clone(), task, cut, rng.split())))
            .collect();
        let getters_max = [1, TASKS][rng.below(2)];
        let getters: Vec<_> = (0..getters_max)
            .map(|_| spawn(get_all(queue.clone(), cut, rng.split())))
            .collect();
        for putter in putters {
            putter.await.expect("it does not panic")?;
        }
        queue.join().await?;
        queue.close();
        let mut all = Vec::new();
        for getter in getters {
            let items = getter.await.expect("it does not panic")?;
            for task in 0..TASKS {
                // Of several getters one may leave with an item in hand, after others have got later ones.
                let of_task = items.iter().filter(|item| item.0 == task);
                let is_alone = getters_max == 1;
                assert!(
                    !is_alone || of_task.is_sorted(),
                    "in the order of their puts"
                );
            }
            all.extend(items);
        }
        all.sort_unstable();
        let expected: Vec<Item> = (0..TASKS * ITEMS).map(|n| (n / ITEMS, n % ITEMS)).collect();
        assert_eq!(all, expected);
        Ok(())
    });
}
