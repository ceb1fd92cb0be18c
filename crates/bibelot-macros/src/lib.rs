//! The attributes `#[bibelot::main]` and `#[bibelot::test]`.
//!
//! The facade `bibelot` re-exports both; depend on it, not on this crate. An attribute leaves the
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
//!     ::bibelot::run(main())
//! }
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `function` | the function under an attribute: what is needed of it, and what is refused |
//! | `options` | the list in an attribute's parentheses |
//! | `entry`, `trial` | what `main` and `test` write |
//!
//! What is refused is refused by name, at the place where it stands.

#![forbid(unsafe_code)]

mod entry;
mod function;
mod options;
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
///   `bibelot::run` holds. A backend that cannot be had ends the program with exit code 1 and the reason
///   on the standard error.
/// - `crate = "path"`: where the facade is found, if not at `::bibelot`.
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
/// - `seed = 7`: the seed of `sim`, which is 0 otherwise. Users of `sim` have `bibelot-sim` among their
///   development dependencies.
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
