//! The pieces, one by one, as criterion sees them and remembers them from run to run.
//!
//! What is on the way of every operation and has no counterpart in another runtime: the wheel, the ready queue, a
//! spawn and a wake on a kernel, and the primitives without one.

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bibelot::{Backend, Kernel};
use bibelot_reactor::{Buf, Inbox};
use bibelot_sched::{Fifo as ReadyQueue, Scheduler, Wake};
use bibelot_sync::WaitQueue;
use bibelot_sync::generic::{Fifo, Local, Lock, Queue, Shell, Universal};
use bibelot_timer::Wheel;
use criterion::{Bencher, Criterion, criterion_group, criterion_main};

/// Awaits what does not wait.
fn now<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn wheel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wheel");
    for others in [0_u64, 100_000] {
        let mut wheel = Wheel::new(bibelot_timer::Instant::ZERO);
        let at = |ms: u64| bibelot_timer::Instant::ZERO + Duration::from_millis(ms);
        for index in 0..others {
            wheel.insert(at(100_000 + index * 7919 % 3_000_000), index);
        }
        group.bench_function(format!("insert and remove beside {others}"), |bencher| {
            bencher.iter(|| {
                let key = wheel.insert(black_box(at(10_000)), 0);
                wheel.remove(key)
            });
        });
    }
    group.bench_function("insert and pop", |bencher| {
        let mut wheel = Wheel::new(bibelot_timer::Instant::ZERO);
        let mut time = bibelot_timer::Instant::ZERO;
        bencher.iter(|| {
            time += Duration::from_micros(50);
            wheel.insert(time, 0);
            wheel.pop(time).expect("it is due")
        });
    });
    group.finish();
}

fn ready_queue(criterion: &mut Criterion) {
    let mut queue = ReadyQueue::with_capacity(1024);
    (0..1000_u64).for_each(|item| queue.push(item, Wake::Spawned));
    criterion.bench_function("ready queue/pop and push among 1000", |bencher| {
        bencher.iter(|| {
            let item = queue.pop().expect("it is never empty");
            queue.push(item, Wake::Yielded);
        });
    });
}

/// Measures so many runs of a future inside a kernel.
fn inside(bencher: &mut Bencher<'_>, mut run: impl AsyncFnMut(u64)) {
    let mut kernel = Kernel::builder()
        .backend(Backend::Poll)
        .build()
        .expect("polling is always there");
    bencher.iter_custom(|count| {
        let began = Instant::now();
        kernel.block_on(run(count));
        began.elapsed()
    });
}

fn kernel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernel");
    group.bench_function("spawn and join", |bencher| {
        inside(bencher, async |count| {
            for _ in 0..count {
                bibelot::spawn(async {}).await.expect("nobody cancels it");
            }
        });
    });
    group.bench_function("spawn and join 1000", |bencher| {
        inside(bencher, async |count| {
            let mut tasks = Vec::with_capacity(1000);
            for _ in 0..count {
                tasks.extend((0..1000).map(|_| bibelot::spawn(async {})));
                for task in tasks.drain(..) {
                    task.await.expect("nobody cancels it");
                }
            }
        });
    });
    group.bench_function("wake of itself", |bencher| {
        inside(bencher, async |count| {
            let woken = bibelot::spawn(async move {
                let mut left = count;
                poll_fn(|context| {
                    if left == 0 {
                        return Poll::Ready(());
                    }
                    left -= 1;
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
            });
            woken.await.expect("nobody cancels it");
        });
    });
    group.bench_function("yield", |bencher| {
        inside(bencher, async |count| {
            for _ in 0..count {
                bibelot::yield_now().await.expect("nobody cancels it");
            }
        });
    });
    group.finish();
}

fn wait_queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wait queue");
    let mut queue = WaitQueue::new();
    let _first: Vec<_> = (0..100_u64)
        .map(|it| queue.park(it, Waker::noop().clone()))
        .collect();
    group.bench_function("park and leave behind 100", |bencher| {
        bencher.iter(|| {
            let ticket = queue.park(0, Waker::noop().clone());
            queue.leave(ticket)
        });
    });
    let mut queue = WaitQueue::new();
    group.bench_function("park, grant and leave", |bencher| {
        bencher.iter(|| {
            let ticket = queue.park(0_u64, Waker::noop().clone());
            black_box(queue.grant());
            queue.leave(ticket)
        });
    });
    group.finish();
}

fn primitives<S: Shell>(criterion: &mut Criterion, shell: &str) {
    let lock = Lock::<u64, S>::new(0);
    criterion.bench_function(&format!("lock/{shell}"), |bencher| {
        bencher.iter(|| *now(lock.lock()) += 1);
    });
    let queue = Queue::<Fifo<u64>, S>::bounded(1024);
    criterion.bench_function(&format!("queue/{shell}"), |bencher| {
        bencher.iter(|| {
            now(queue.put(black_box(1))).expect("it is open");
            now(queue.get()).expect("it is open")
        });
    });
}

fn shells(criterion: &mut Criterion) {
    primitives::<Local>(criterion, "local");
    primitives::<Universal>(criterion, "universal");
}

fn buffers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("buffers");
    let bytes = [7; 1024];
    let mut buf = Buf::with_capacity(16 * 1024);
    group.bench_function("push, consume and clear 1 KiB", |bencher| {
        bencher.iter(|| {
            let count = buf.push(black_box(&bytes));
            buf.consume(count);
            buf.clear();
        });
    });
    let mut inbox = Inbox::new();
    group.bench_function("inbox push and take", |bencher| {
        bencher.iter(|| {
            inbox.push(black_box(1_u64), 1);
            inbox.take()
        });
    });
    group.finish();
}

criterion_group!(
    pieces,
    wheel,
    ready_queue,
    kernel,
    wait_queue,
    shells,
    buffers
);
criterion_main!(pieces);
