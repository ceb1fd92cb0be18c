//! Large futures, and how small the rest is.
#![cfg(not(loom))]
#![allow(unsafe_code, reason = "makes a large box without the stack")]

mod house;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use bibelot_task::{Ran, Runnable, TaskRef, spawn_boxed, spawn_with};
use house::{House, Tag};

const MIB: usize = 1 << 20;

/// A future that could not pass a small stack.
#[repr(transparent)]
struct Large([u8; MIB]);

impl Future for Large {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        if self.0[MIB / 2] == 0 {
            self.0[MIB / 2] = 7;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.0.iter().map(|&byte| u64::from(byte)).sum())
    }
}

fn on_a_small_stack(body: impl FnOnce() + Send + 'static) {
    thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(body)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_boxed_future_of_a_mebibyte_does_not_pass_the_stack() {
    on_a_small_stack(|| {
        let bytes: Box<[u8; MIB]> = vec![0; MIB].into_boxed_slice().try_into().unwrap();
        // SAFETY: transparent, so the layout is the same.
        let future = unsafe { Box::from_raw(Box::into_raw(bytes).cast::<Large>()) };
        let house = House::new();
        let (runnable, task) = spawn_boxed(Box::into_pin(future), house.tag());
        run_to_its_end(runnable, &task);
    });
}

fn run_to_its_end(runnable: Runnable<Tag>, task: &TaskRef<Tag>) {
    let Ran::Woken(runnable) = runnable.run() else {
        panic!("not woken")
    };
    assert!(matches!(runnable.run(), Ran::Returned));
    assert_eq!(task.take_output::<u64>().unwrap().unwrap(), 7);
}

#[test]
fn a_future_of_a_mebibyte_is_built_in_its_cell() {
    on_a_small_stack(|| {
        let house = House::new();
        let (runnable, task) = spawn_with(|| Large([0; MIB]), house.tag());
        run_to_its_end(runnable, &task);
        let block = || async {
            let bytes = [1_u8; MIB];
            std::future::ready(()).await;
            std::hint::black_box(&bytes).len()
        };
        let (runnable, task) = spawn_with(block, house.tag());
        assert!(matches!(runnable.run(), Ran::Returned));
        assert_eq!(task.take_output::<usize>().unwrap().unwrap(), MIB);
    });
}

#[test]
fn handles_are_one_pointer_wide() {
    let pointer = size_of::<usize>();
    assert_eq!(size_of::<Runnable<Tag>>(), pointer);
    assert_eq!(size_of::<Option<Runnable<Tag>>>(), pointer);
    assert_eq!(size_of::<Ran<Tag>>(), 2 * pointer);
    assert_eq!(size_of::<TaskRef<Tag>>(), pointer);
    assert_eq!(size_of::<Option<TaskRef<Tag>>>(), pointer);
    assert_eq!(size_of::<bibelot_task::JoinHandle<u64, Tag>>(), pointer);
}
