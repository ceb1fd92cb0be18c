//! The tuple: how a tuple of futures becomes a list, and a nested pair of values a tuple.

use std::future::Future;

use super::list::{Cons, List, Nil};

/// A tuple of one to twelve futures.
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
        impl<$($name: Future),+> sealed::Sealed for ($($name,)+) {}

        #[expect(non_snake_case, reason = "one name serves the type and its value")]
        impl<$($name: Future),+> Tuple for ($($name,)+) {
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
    (@list $head:ident $($tail:ident)*) => { Cons<$head, tuples!(@list $($tail)*)> };
    (@cons) => { Nil };
    (@cons $head:ident $($tail:ident)*) => { Cons::new($head, tuples!(@cons $($tail)*)) };
    (@pair) => { () };
    (@pair $head:ident $($tail:ident)*) => { ($head, tuples!(@pair $($tail)*)) };
}

tuples!(@grow () A B C D E F G H I J K L);
