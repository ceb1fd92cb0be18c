//! The attributes `#[bibelot::main]`, `#[bibelot::test]` and `#[bibelot::process_fn]`.
//!
//! The facade `bibelot` re-exports them; depend on it, not on this crate. An attribute leaves the
//! body of the `async fn` as it is written, puts it into an inner function of the same name, and
//! hands that function's future to the facade. So `return`, `?` and compiler messages are those of
//! an ordinary `async fn`.
//!
//! ```text
//! #[bibelot::main]
//! async fn main() -> bibelot::Result<()> {
//!     bibelot::sleep(Duration::from_millis(10)).await?;
//!     Ok(())
//! }
//! ```
//!
//! becomes
//!
//! ```text
//! fn main() -> bibelot::Result<()> {
//!     async fn main() -> bibelot::Result<()> {
//!         bibelot::sleep(Duration::from_millis(10)).await?;
//!         Ok(())
//!     }
//!     // Runs `main()` on a kernel; after a Ctrl-C, looks at what it returned.
//!     match ::bibelot::__private::enter(..) { .. }
//! }
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `function` | the function under an attribute: what is needed of it, and what is refused |
//! | `options`, `span` | the list in an attribute's parentheses; times in it |
//! | `entry`, `trial` | what `main` and `test` write |
//! | `process` | what `process_fn` writes |
//!
//! What is refused is refused by name, at the place where it stands.

#![forbid(unsafe_code)]

mod entry;
mod function;
mod options;
mod process;
mod span;
mod trial;

use proc_macro::TokenStream;

/// Runs an `async fn main` on a kernel.
///
/// The function has no arguments and no generics; it returns whatever a `main` may return. All its
/// other attributes, its visibility and its name are kept, so it need not be called `main`.
///
/// # Options
///
/// - `backend = "auto"`, `"uring"` or `"poll"`: asks for a backend by name. Without it, the default of
///   `bibelot::run` holds. A backend that cannot be had ends the program with status 1 and the reason
///   on the standard error.
/// - `ctrl_c = "cancel_main"` or `"leave"`: what Ctrl-C does while the program does not wait for it itself
///   by `bibelot::ctrl_c`. Unless told to leave it, the first asks the function to stop, with
///   `Cause::CtrlC`, and it may clean up; the second ends the process at once.
/// - `timeout = "5s"`: asks the program to stop after that time, with status 124.
/// - `grace = "10s"`: how long the program and its tasks have for their clean-up.
/// - `on_panic = "contain"`, `"shutdown"` or `"abort"`: what a panic of a task does.
/// - `worker_threads_max = 32`, `worker_idle = "10s"`: the threads for jobs.
/// - `crate = "path"`: where the facade is found, if not at `::bibelot`.
///
/// # The status of the process
///
/// That of `bibelot::exit`, if it was called. After a Ctrl-C 130, as shells expect, unless the function
/// returned no `Err`; an `Err` that is the cancellation itself is not reported. 124 after the timeout. Else
/// what a `main` with this value has.
///
/// # Examples
///
/// In a program that depends on the facade:
///
/// ```text
/// #[bibelot::main(backend = "poll")]
/// async fn main() -> std::io::Result<()> {
///     println!("Hello!");
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, function: TokenStream) -> TokenStream {
    entry::expand(options.into(), function.into()).into()
}

/// Makes an `async fn` a test, run on one backend after another.
///
/// The function has no arguments and no generics. It returns `()` or what a test may return; an error
/// fails the test. All its other attributes are kept: `#[ignore]`, `#[should_panic]`, `#[cfg(..)]`. A
/// test that should panic stops at its first backend and so names at most one.
///
/// # Options
///
/// - `auto`, `uring`, `poll`, `sim`: the backends, in the order of the runs; each gets a new kernel and
///   a new future. Without any it is `auto`, the backend that the machine offers. One that the machine
///   lacks is skipped with a word on the standard error, unless `BIBELOT_EXPECT` names it.
/// - `seed = 7`: the seed of `sim`; otherwise the number in the environment variable `BIBELOT_SEED`, or 0.
///   Users of `sim` have `bibelot-sim` among their development dependencies.
/// - `virtual_time`: runs on `sim` alone, whose clock goes on by itself when everybody waits.
/// - `timeout = "10s"`: fails a test that has not ended by then, by the clock of its backend, and says what
///   its tasks wait for and where. The real clock is watched as well, from another thread: a test that is
///   stuck in a computation or a call that blocks ends the process of the tests.
/// - `worker_threads_max = 3`: how many threads its kernel may have for jobs.
/// - `crate = "path"`: where the facade is found, if not at `::bibelot`.
///
/// # Examples
///
/// In a package that depends on the facade:
///
/// ```text
/// #[bibelot::test(uring, poll, sim, seed = 7)]
/// async fn a_child_returns_its_value() {
///     let child = bibelot::spawn(async { 2 * 2 + 3 });
///     assert_eq!(child.await.unwrap(), 7);
/// }
/// ```
#[proc_macro_attribute]
pub fn test(options: TokenStream, function: TokenStream) -> TokenStream {
    trial::expand(options.into(), function.into()).into()
}

/// Lets a function be called in a process of its own, through `bibelot::run_in_process`.
///
/// The function stays what it is, and can be called as before. It is no `async fn` and not generic, and
/// has up to four arguments. Their types can be made of bytes without borrowing from them, and its value
/// can be put into bytes: `serde::de::DeserializeOwned` and `serde::Serialize`.
///
/// # Options
///
/// - `crate = "path"`: where the facade is found, if not at `::bibelot`.
///
/// # Examples
///
/// In a program that depends on the facade with its feature `process`:
///
/// ```text
/// #[bibelot::process_fn]
/// fn checksum(bytes: Vec<u8>) -> u32 {
///     bytes.iter().fold(0, |sum, byte| sum.rotate_left(5) ^ u32::from(*byte))
/// }
///
/// let sum = bibelot::run_in_process(checksum, bytes).await?;
/// ```
#[proc_macro_attribute]
pub fn process_fn(options: TokenStream, function: TokenStream) -> TokenStream {
    process::expand(options.into(), function.into()).into()
}
