//! Items on their way: queues of all orders, channels, watch and broadcast, as blocking points.

use std::cmp::Reverse;
use std::time::Duration;

use bibelot::{
    AsCancelled, BroadcastError, ClosedError, GetError, PriorityQueue, Queue, Result, WaitReason,
    broadcast, channel, race, rendezvous, sleep, spawn, timeout_after, unbounded, watch, yield_now,
};

const SHORT: Duration = Duration::from_millis(10);
/// Enough for all others to park, whatever the order in which they run.
const MS: Duration = Duration::from_millis(1);

#[bibelot::test(uring, poll, sim)]
async fn a_priority_queue_gives_the_smallest_rank_and_of_equals_the_oldest() -> Result<()> {
    let queue = PriorityQueue::unbounded();
    for (urgency, name) in [(2, "Ada"), (1, "Bob"), (2, "Cy")] {
        queue.put((urgency, name)).await?;
    }
    assert_eq!(queue.get().await?.1, "Bob");
    assert_eq!(queue.get().await?.1, "Ada");
    let queue = PriorityQueue::unbounded();
    queue.put((Reverse(1), ())).await?;
    queue.put((Reverse(2), ())).await?;
    assert_eq!(queue.get().await?.0, Reverse(2));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_dropped_guard_counts_its_item_done_also_when_the_work_is_cut() -> Result<()> {
    let queue = Queue::unbounded();
    queue.put("work").await?;
    let worker = spawn({
        let queue = queue.clone();
        async move {
            let item = queue.get_guard().await?;
            assert_eq!(*item, "work");
            sleep(Duration::from_secs(9)).await?;
            bibelot::Ok(())
        }
    });
    yield_now().await?;
    let joining = timeout_after(SHORT, queue.join()).await;
    assert!(joining.unwrap_err().timed_out());
    worker.cancel().await?;
    queue.join().await?;
    assert!(worker.await?.unwrap_err().is_cancelled());
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn reserved_room_is_taken_in_turn_and_given_back() -> Result<()> {
    let queue = Queue::bounded(1);
    let room = queue.reserve().await?;
    let cut = timeout_after(SHORT, queue.reserve()).await.unwrap_err();
    assert!(cut.timed_out() && queue.is_full());
    let next = spawn({
        let queue = queue.clone();
        async move {
            queue.reserve().await?.put(2);
            bibelot::Ok(())
        }
    });
    yield_now().await?;
    drop(room);
    next.await??;
    assert_eq!(queue.get().await?, 2);
    queue.close();
    assert!(matches!(queue.reserve().await, Err(ClosedError::Closed)));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_full_queue_can_be_forced_and_drained() -> Result<()> {
    let queue = Queue::bounded(2);
    for item in 1..=2 {
        assert_eq!(queue.force_put(item).unwrap(), None);
    }
    assert_eq!(queue.force_put(3).unwrap(), Some(1));
    let putter = spawn({
        let queue = queue.clone();
        async move { queue.put(4).await.is_ok() }
    });
    yield_now().await?;
    assert_eq!(queue.drain().collect::<Vec<_>>(), [2, 3]);
    assert!(putter.await?);
    assert_eq!(queue.get().await?, 4);
    queue.close();
    assert_eq!(queue.force_put(5).unwrap_err().into_item(), Some(5));
    queue.closed().await?;
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn of_two_queues_that_serve_at_once_the_loser_keeps_its_item_at_the_front() -> Result<()> {
    let (one, other) = (Queue::unbounded(), Queue::unbounded());
    let selecting = spawn({
        let (one, other) = (one.clone(), other.clone());
        async move { race((one.get(), other.get())).await }
    });
    yield_now().await?;
    one.put('a').await?;
    other.put('x').await?;
    other.put('y').await?;
    assert_eq!(selecting.await??, 'a');
    assert_eq!(other.drain().collect::<String>(), "xy");
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn items_come_until_the_queue_is_closed_and_a_cut_next_takes_none() -> Result<()> {
    let queue = Queue::unbounded();
    let mut items = queue.items();
    let cut = timeout_after(SHORT, items.next()).await.unwrap_err();
    assert!(cut.timed_out());
    queue.put(1).await?;
    {
        // Served, then dropped: the item is not lost in the reader.
        let queue = queue.clone();
        assert_eq!(items.next().await?, Some(1));
        let mut next = Box::pin(items.next());
        poll_once(&mut next).await;
        queue.put(2).await?;
        drop(next);
        assert_eq!(queue.len(), 1);
    }
    queue.close();
    assert_eq!(items.next().await?, Some(2));
    assert_eq!(items.next().await?, None);
    assert_eq!(items.next().await?, None);
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn the_items_of_a_queue_are_a_stream() -> Result<()> {
    use futures_util::TryStreamExt;

    let queue = Queue::bounded(1);
    let putter = spawn({
        let queue = queue.clone();
        async move {
            for item in 1..=4 {
                queue.put(item).await?;
            }
            queue.close();
            bibelot::Ok(())
        }
    });
    let halves = queue
        .items()
        .try_filter(|item| std::future::ready(item % 2 == 0));
    assert_eq!(halves.try_collect::<Vec<_>>().await?, [2, 4]);
    putter.await??;
    Ok(())
}

async fn poll_once<F: Future + Unpin>(future: &mut F) {
    std::future::poll_fn(|context| {
        assert!(std::pin::Pin::new(&mut *future).poll(context).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
}

#[bibelot::test(uring, poll, sim)]
async fn a_channel_closes_with_its_last_sender_and_gives_out_the_rest() -> Result<()> {
    let (sender, receiver) = channel(1);
    let weak = sender.downgrade();
    let senders = [1, 2].map(|item| {
        let sender = sender.clone();
        spawn(async move { sender.send(item).await.is_ok() })
    });
    drop(sender);
    let mut got = Vec::new();
    while let Ok(item) = receiver.recv().await {
        got.push(item);
    }
    // Which of them comes first is the scheduler's choice.
    got.sort_unstable();
    assert_eq!(got, [1, 2]);
    assert!(weak.upgrade().is_none());
    for sender in senders {
        assert!(sender.await?);
    }
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_send_that_nobody_can_receive_gives_its_item_back() -> Result<()> {
    let (sender, receiver) = channel(1);
    sender.send('a').await?;
    let cut = timeout_after(SHORT, sender.send('b')).await.unwrap_err();
    assert!(cut.timed_out() && cut.item == Some('b'));
    let waiting = spawn(async move {
        let refused = sender.send('c').await.unwrap_err();
        sender.closed().await?;
        bibelot::Ok(refused.into_item())
    });
    yield_now().await?;
    drop(receiver);
    assert_eq!(waiting.await??, Some('c'));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_rendezvous_hands_over_from_one_to_the_other() -> Result<()> {
    let (sender, receiver) = rendezvous();
    let cut = timeout_after(SHORT, sender.send(1)).await.unwrap_err();
    assert_eq!(cut.item, Some(1));
    let task = spawn(async move { sender.send(2).await.is_ok() });
    assert_eq!(receiver.recv().await?, 2);
    assert!(task.await?);
    assert!(matches!(receiver.recv().await, Err(GetError::Closed)));
    Ok(())
}

#[bibelot::test(sim)]
async fn a_send_that_was_received_wins_though_its_tasks_time_slice_is_used_up() -> Result<()> {
    let (sender, receiver) = rendezvous();
    let (busy, ready) = unbounded();
    let task = spawn(async move {
        let mut send = std::pin::pin!(sender.send('x'));
        poll_once(&mut send).await;
        assert!(bibelot::Event::new().wait().await.is_err());
        // All of this slice goes to other things, so the send is not looked at before the request is.
        for item in 0..1000 {
            busy.try_send(item).unwrap();
        }
        for _ in 0..128 {
            ready.recv().await.unwrap();
        }
        let sent = send.await;
        sent.map_err(|refused| refused.into_item())
    });
    sleep(MS).await?;
    task.cancel_nowait();
    task.interrupt();
    assert_eq!(receiver.recv().await?, 'x');
    assert_eq!(task.await?, Ok(()));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_watch_shows_the_latest_and_a_cut_wait_has_seen_nothing() -> Result<()> {
    let (sender, mut receiver) = watch(0);
    let cut = timeout_after(SHORT, receiver.changed()).await.unwrap_err();
    assert!(cut.timed_out());
    sender.send(1);
    sender.send(2);
    receiver.changed().await?;
    assert_eq!(*receiver.see(), 2);
    let task = spawn(async move { receiver.wait_for(|value| *value > 3).await.map(|it| *it) });
    for _ in 0..2 {
        yield_now().await?;
        sender.update(|value| *value += 1);
    }
    assert_eq!(task.await??, 4);
    sender.closed().await?;
    let mut receiver = sender.subscribe();
    drop(sender);
    assert!(matches!(receiver.changed().await, Err(ClosedError::Closed)));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_broadcast_reaches_all_and_tells_who_missed_how_much() -> Result<()> {
    let (sender, mut receiver) = broadcast(2);
    let cut = timeout_after(SHORT, receiver.recv()).await.unwrap_err();
    assert!(cut.timed_out());
    let mut other = sender.subscribe();
    let task = spawn(async move { other.recv().await });
    yield_now().await?;
    assert_eq!(sender.send("all").unwrap(), 2);
    assert_eq!((task.await??, receiver.recv().await?), ("all", "all"));
    for _ in 0..4 {
        assert_eq!(sender.send("more").unwrap(), 1);
    }
    let lagged = receiver.recv().await.unwrap_err();
    assert!(matches!(lagged, BroadcastError::Lagged(2)));
    drop(sender);
    receiver.recv().await?;
    receiver.recv().await?;
    let end = receiver.recv().await.unwrap_err();
    assert!(matches!(end, BroadcastError::Closed));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_length_is_waited_for_and_shown_and_a_close_that_makes_it_impossible_is_told()
-> Result<()> {
    let (queue, (sender, receiver)) = (Queue::unbounded(), channel(9));
    let waits = queue.clone();
    let task = spawn(async move { waits.until_len(2..).await });
    let other = spawn(async move { receiver.until_len(1..=3).await });
    sleep(MS).await?;
    assert_eq!(task.info().unwrap().wait(), Some(WaitReason::QueueLen));
    queue.put('a').await?;
    sender.send('a').await?;
    assert_eq!(other.await??, 1);
    let cut = timeout_after(SHORT, queue.until_len(2..)).await;
    assert!(cut.unwrap_err().timed_out());
    queue.put('b').await?;
    assert_eq!(task.await??, 2);
    queue.close();
    let short = queue.until_len(3..).await;
    assert!(matches!(short, Err(ClosedError::Closed)));
    assert_eq!(queue.until_len(..3).await?, 2);
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_weak_handle_of_a_queue_ends_with_the_last_other_one() -> Result<()> {
    let queue = Queue::bounded(1);
    let weak = queue.downgrade();
    let task = spawn(async move { queue.get().await });
    weak.upgrade().unwrap().put("a curio").await?;
    assert_eq!(task.await??, "a curio");
    assert!(weak.clone().upgrade().is_none());
    Ok(())
}
