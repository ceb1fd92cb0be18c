//! Coroutines: they do nothing until polled, return values, and chain.

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bibelot::Kernel;

use crate::chapter;

/// Polls by hand, with a waker that does nothing: what an event loop does, once.
fn send_none<F: Future>(coroutine: Pin<&mut F>) -> Poll<F::Output> {
    coroutine.poll(&mut Context::from_waker(Waker::noop()))
}

/// A coroutine does nothing until polled; polled, it gives its value; polled again, it is an error.
pub fn alone() {
    chapter("Coroutines");
    async fn foo() -> &'static str {
        println!("running");
        "hello"
    }
    let mut coroutine = pin!(foo());
    println!(
        "a coroutine of {} bytes, and nothing has run",
        size_of_val(&*coroutine)
    );
    match send_none(coroutine.as_mut()) {
        Poll::Ready(value) => println!("Ready: {value}"),
        Poll::Pending => println!("Pending"),
    }
    let error = quietly(|| send_none(coroutine.as_mut())).unwrap_err();
    println!("polled again: {error}");
}

/// Coroutines await coroutines.
pub fn chained() {
    chapter("Chaining coroutines");
    async fn double(x: i32) -> i32 {
        x * 2
    }
    async fn compute(x: i32, y: i32) -> i32 {
        double(x).await + y
    }
    async fn print_result() {
        let result = compute(2, 3).await;
        println!("result:  {result}");
    }
    assert!(send_none(pin!(print_result())).is_ready());
}

/// An event loop runs a coroutine to its end.
pub fn on_a_loop(kernel: &mut Kernel) {
    chapter("An event loop");
    async fn hello() {
        println!("Hello!");
    }
    kernel.block_on(hello());
}

/// What a closure panics with, without the report on the standard error.
fn quietly<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    panic::set_hook(hook);
    result.map_err(|payload| match payload.downcast::<&'static str>() {
        Ok(message) => (*message).to_owned(),
        Err(payload) => payload
            .downcast::<String>()
            .map_or_else(|_| String::new(), |text| *text),
    })
}
