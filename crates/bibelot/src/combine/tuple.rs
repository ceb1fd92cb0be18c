//! The tuple: how a tuple of futures becomes a list, and a nested pair of values a tuple.

use std::future::IntoFuture;

use super::list::{Cons, List, Nil};

/// A tuple of one to twelve futures, or of what becomes one, such as tasks.
pub trait Tuple: sealed::Sealed {
    #[doc(hidden)]
    type List: List<All: Flat>;

    #[doc(hidden)]
    fn into_list(self) -> Self::List;
}

/// Values nested in pairs, as a tuple.
pub trait Flat {
    /// The tuple.
    type Flat;

    /// Flattens them.
    fn flat(self) -> Self::Flat;
}

mod sealed {
    pub trait Sealed {}
}

/// `(a, b, c)` as `(a, (b, (c, ())))`, in types, patterns and calls.
macro_rules! tuples {
    (@grow ($($done:ident)*)) => {};
    (@grow ($($done:ident)*) $next:ident $($rest:ident)*) => {
        tuples!(@impl $($done)* $next);
        tuples!(@grow ($($done)* $next) $($rest)*);
    };
    (@impl $($name:ident)+) => {
        impl<$($name: IntoFuture),+> sealed::Sealed for ($($name,)+) {}

        #[expect(non_snake_case, reason = "one name serves the type and its value")]
        impl<$($name: IntoFuture),+> Tuple for ($($name,)+) {
            type List = tuples!(@list $($name)+);

            fn into_list(self) -> Self::List {
                let ($($name,)+) = self;
                tuples!(@cons $($name)+)
            }
        }

        #[expect(non_snake_case, reason = "one name serves the type and its value")]
        impl<$($name),+> Flat for tuples!(@pair $($name)+) {
            type Flat = ($($name,)+);

            fn flat(self) -> Self::Flat {
                let tuples!(@pair $($name)+) = self;
                ($($name,)+)
            }
        }
    };
    (@list) => { Nil };
    (@list $head:ident $($tail:ident)*) => {
        Cons<<$head as IntoFuture>::IntoFuture, tuples!(@list $($tail)*)>
    };
    (@cons) => { Nil };
    (@cons $head:ident $($tail:ident)*) => {
        Cons::new($head.into_future(), tuples!(@cons $($tail)*))
    };
    (@pair) => { () };
    (@pair $head:ident $($tail:ident)*) => { ($head, tuples!(@pair $($tail)*)) };
}

tuples!(@grow () A B C D E F G H I J K L);
