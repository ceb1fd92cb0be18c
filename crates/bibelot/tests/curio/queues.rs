//! QUE: queues among the tasks of one kernel.

use bibelot::{Either, Event, Kernel, Queue, select, spawn, yield_now};

use crate::{each_kernel, exactly};

#[bibelot::test(uring, poll, sim)]
async fn a_loop_over_a_queue_ends_when_it_is_closed() {
    let queue = Queue::bounded(2);
    let reader = queue.clone();
    let sum = spawn(async move {
        let mut sum = 0;
        while let Ok(item) = reader.get().await {
            sum += item;
        }
        sum
    });
    for item in 1..=10 {
        queue.put(item).await.unwrap();
    }
    queue.close();
    assert_eq!(sum.await.unwrap(), 55);
}

#[test]
fn plain_code_puts_and_sets_and_is_told_when_it_is_full() {
    each_kernel(|builder| {
        let mut kernel: Kernel = builder.build().unwrap();
        let (queue, event) = (Queue::bounded(1), Event::new());
        // No task, no kernel that runs.
        queue.try_put("first").unwrap();
        let refused = queue.try_put("second").unwrap_err();
        assert_eq!(refused.into_item(), "second");
        event.set();
        let got = kernel.block_on(async {
            event.wait().await.unwrap();
            queue.get().await.unwrap()
        });
        assert_eq!(got, "first");
    });
}

#[bibelot::test(uring, poll, sim)]
async fn of_several_queues_the_first_with_an_item_is_taken_and_the_others_keep_theirs() {
    let (numbers, words) = (Queue::unbounded(), Queue::unbounded());
    let (feeds, feeds_too) = (numbers.clone(), words.clone());
    let feeder = spawn(async move {
        yield_now().await.unwrap();
        feeds_too.put("seven").await.unwrap();
        feeds.put(7).await.unwrap();
    });
    let mut seen = Vec::new();
    for _ in 0..2 {
        match select((numbers.get(), words.get())).await {
            Either::First(number) => seen.push(number.unwrap().to_string()),
            Either::Other(Either::First(word)) => seen.push(word.unwrap().to_owned()),
            Either::Other(Either::Other(never)) => match never {},
        }
    }
    seen.sort();
    assert_eq!(seen, ["7", "seven"]);
    assert!(numbers.is_empty() && words.is_empty());
    feeder.await.unwrap();
}

#[test]
fn getters_that_are_cut_leave_the_others_in_order() {
    exactly(async {
        let queue = Queue::unbounded();
        let getters: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                spawn(async move { queue.get().await.ok() })
            })
            .collect();
        yield_now().await?;
        getters[1].cancel().await?;
        queue.put('a').await?;
        queue.put('b').await?;
        let mut got = Vec::new();
        for getter in getters {
            got.push(getter.await?);
        }
        assert_eq!(got, [Some('a'), None, Some('b')]);
        Ok(())
    });
}
