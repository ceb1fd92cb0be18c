//! The functions that can be called in another process, by their names.
//!
//! The attribute puts an entry for each into a list that the linker's start code fills before `main`.
//! Caller and worker are the same program and so have the same list: a function is known there by its
//! place, and its name is a check. Here it is found by its type, which every function has for itself.

use std::any::TypeId;
use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::frame::{Says, begin, put};

/// A function with its arguments in one value: `()` for none, the argument itself for one, a tuple for
/// more.
///
/// All plain functions of up to four arguments have it; `Via` is always inferred.
pub trait ProcessFn<Arguments, Via>: Copy + 'static {
    /// What it returns.
    type Out;

    /// Calls it.
    fn invoke(self, arguments: Arguments) -> Self::Out;
}

impl<F: Fn() -> R + Copy + 'static, R> ProcessFn<(), fn() -> R> for F {
    type Out = R;

    fn invoke(self, (): ()) -> R {
        self()
    }
}

impl<F: Fn(A) -> R + Copy + 'static, A, R> ProcessFn<A, fn(A) -> R> for F {
    type Out = R;

    fn invoke(self, argument: A) -> R {
        self(argument)
    }
}

macro_rules! functions_of_several {
    ($(($($argument:ident)+))+) => {$(
        impl<F, $($argument,)+ R> ProcessFn<($($argument,)+), fn($($argument),+) -> R> for F
        where
            F: Fn($($argument),+) -> R + Copy + 'static,
        {
            type Out = R;

            #[expect(non_snake_case, reason = "the names are those of the types")]
            fn invoke(self, ($($argument,)+): ($($argument,)+)) -> R {
                self($($argument),+)
            }
        }
    )+};
}

functions_of_several!((A B) (A B C) (A B C D));

/// Says that the arguments are understood.
pub type Begins<'a> = &'a mut dyn FnMut() -> io::Result<()>;

/// Runs a function on arguments in bytes; a frame with the value, its length still open.
pub type Runs = fn(&[u8], Begins<'_>) -> Result<Vec<u8>, Failure>;

/// Why a function has not been run to a value that can travel.
#[derive(Debug)]
pub enum Failure {
    /// The arguments cannot be made of the bytes.
    Arguments(String),
    /// The value cannot be put into bytes.
    Value(String),
    /// Nobody is told of it.
    Link(io::Error),
}

/// A function that can be called in another process.
#[derive(Debug)]
pub struct Registered {
    pub(super) name: &'static str,
    id: fn() -> TypeId,
    pub(super) runs: Runs,
}

impl Registered {
    /// What the attribute makes of a function.
    #[must_use]
    pub const fn new(name: &'static str, id: fn() -> TypeId, runs: Runs) -> Self {
        Self { name, id, runs }
    }
}

inventory::collect!(Registered);

/// The type of a function, which no other one has.
pub fn type_id_of<F: 'static>(_function: F) -> TypeId {
    TypeId::of::<F>()
}

/// Runs `function` on arguments in bytes.
///
/// # Errors
///
/// What has become of it instead.
pub fn answer<F, A, Via>(
    function: F,
    arguments: &[u8],
    begins: Begins<'_>,
) -> Result<Vec<u8>, Failure>
where
    F: ProcessFn<A, Via>,
    A: DeserializeOwned,
    F::Out: Serialize,
{
    let arguments = super::frame::take(arguments).map_err(Failure::Arguments)?;
    begins().map_err(Failure::Link)?;
    let value = function.invoke(arguments);
    put(begin(Says::Value), &value).map_err(Failure::Value)
}

/// The place of a function in the list, and what the list says of it.
pub(super) fn find<F: 'static>() -> Option<(u32, &'static Registered)> {
    (0..)
        .zip(inventory::iter::<Registered>)
        .find(|(_, known)| (known.id)() == TypeId::of::<F>())
}

/// The function at this place of the list, if it has this name.
pub(super) fn at(place: u32, name: &str) -> Option<&'static Registered> {
    let known = (0..).zip(inventory::iter::<Registered>);
    known
        .into_iter()
        .find_map(|(at, known)| (at == place && known.name == name).then_some(known))
}
