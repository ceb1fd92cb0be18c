//! Task locals: values that belong to a task, and that its children inherit if they are to.
//!
//! A task's locals lie in what the kernel keeps for few tasks, as a short list by the address of the
//! [`TaskLocal`]; a task without any pays nothing, and a kernel without any pays one branch per spawn.
//!
//! # Invariants
//!
//! - No code of users (a look, a copy, a drop) runs under a borrow: values are counted references, and what
//!   is looked at stays until the look is over.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::core::Core;
use crate::home;

/// Makes a copy for a child.
type Copy = fn(&dyn Any) -> Rc<dyn Any>;

/// The locals of one task.
#[derive(Default)]
pub(crate) struct Locals(Vec<Local>);

struct Local {
    key: usize,
    value: Rc<dyn Any>,
    copy: Option<Copy>,
}

impl Locals {
    fn get(&self, key: usize) -> Option<Rc<dyn Any>> {
        let local = self.0.iter().find(|local| local.key == key)?;
        Some(local.value.clone())
    }

    /// Puts a value in the place of the one that is there, or takes that out.
    fn replace(&mut self, key: usize, new: Option<Local>) -> Option<Local> {
        let place = self.0.iter().position(|local| local.key == key);
        match (place, new) {
            (Some(place), Some(new)) => Some(mem::replace(&mut self.0[place], new)),
            (Some(place), None) => Some(self.0.swap_remove(place)),
            (None, Some(new)) => {
                self.0.push(new);
                None
            }
            (None, None) => None,
        }
    }
}

/// A value that each task has for itself.
///
/// It is a `static`, best made by [`task_local!`](crate::task_local). A child either
/// [inherits](Self::inherited) a copy of what its parent has at the spawn, which is its own from then on,
/// or begins [without](Self::private). That holds wherever tasks are spawned: in groups, in servers, for
/// async threads. The arms of a `join!` belong to one task and share its locals, unless each is given its
/// own by [`scope`](Self::scope). A task's locals are dropped when its future is gone; code that runs as
/// the future is dropped from outside, by an abort, does not see them.
///
/// Curio: `contextvars` with `ContextTask`, and `Local`; tokio: `task_local!`.
///
/// # Examples
///
/// ```no_run
/// use bibelot_kernel::{spawn, task_local};
///
/// task_local! {
///     /// The request that is being served, also by the tasks it starts.
///     static REQUEST: u64, inherit = clone;
/// }
///
/// # async fn example() {
/// REQUEST.set(7);
/// let child = spawn(async { REQUEST.get() });
/// assert_eq!(child.await.unwrap(), Some(7));
/// let inside = REQUEST.scope(8, async { REQUEST.get() });
/// assert_eq!(inside.await, Some(8));
/// assert_eq!(REQUEST.get(), Some(7));
/// # }
/// ```
pub struct TaskLocal<T: 'static> {
    copy: Option<Copy>,
    value: PhantomData<fn() -> T>,
}

impl<T: 'static> TaskLocal<T> {
    /// A local that children begin without.
    #[must_use]
    pub const fn private() -> Self {
        Self {
            copy: None,
            value: PhantomData,
        }
    }

    /// A local of which children get a copy when they are spawned.
    #[must_use]
    pub const fn inherited() -> Self
    where
        T: Clone,
    {
        Self {
            copy: Some(|value| match value.downcast_ref::<T>() {
                Some(value) => Rc::new(value.clone()),
                None => unreachable!("a local has one type"),
            }),
            value: PhantomData,
        }
    }

    /// Looks at the value.
    ///
    /// # Panics
    ///
    /// When the task has none, or outside a task.
    #[track_caller]
    pub fn with<R>(&'static self, look: impl FnOnce(&T) -> R) -> R {
        match self.try_with(look) {
            Some(found) => found,
            None => panic!("the task has no such local: nobody has set it"),
        }
    }

    /// Looks at the value, if the task has one.
    pub fn try_with<R>(&'static self, look: impl FnOnce(&T) -> R) -> Option<R> {
        let value = home::with(|core| core.local(self.key()))??;
        value.downcast_ref().map(look)
    }

    /// A copy of the value, if the task has one.
    #[must_use]
    pub fn get(&'static self) -> Option<T>
    where
        T: Clone,
    {
        self.try_with(T::clone)
    }

    /// Gives the task this value, in the place of the one it had.
    ///
    /// # Panics
    ///
    /// Outside a task.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        let local = self.local(Rc::new(value));
        let old = home::expect("a task local", |core| {
            core.replace_local(self.key(), Some(local))
        });
        drop(old);
    }

    /// Takes the value away; whether there was one.
    ///
    /// # Panics
    ///
    /// Outside a task.
    #[track_caller]
    pub fn unset(&'static self) -> bool {
        let old = home::expect("a task local", |core| core.replace_local(self.key(), None));
        old.is_some()
    }

    /// Runs `body` with this value; around it is what was.
    ///
    /// What the body [sets](Self::set) is the scope's, and goes with it.
    ///
    /// # Panics
    ///
    /// When polled outside a task.
    ///
    /// # Cancellation
    ///
    /// It hears nothing by itself; what is inside hears.
    pub fn scope<F: Future>(&'static self, value: T, body: F) -> WithLocal<F> {
        WithLocal {
            body,
            key: self.key(),
            local: Some(self.local(Rc::new(value))),
        }
    }

    fn local(&'static self, value: Rc<T>) -> Local {
        Local {
            key: self.key(),
            value,
            copy: self.copy,
        }
    }

    /// Statics have places of their own.
    fn key(&'static self) -> usize {
        ptr::from_ref(self).addr()
    }
}

impl<T> fmt::Debug for TaskLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskLocal")
            .field("is_inherited", &self.copy.is_some())
            .finish_non_exhaustive()
    }
}

/// Makes [`TaskLocal`]s: `static NAME: Type, inherit = clone;`, or `inherit = none`, which may be left out.
#[macro_export]
#[doc(alias = "contextvars")]
#[doc(alias = "ContextTask")]
macro_rules! task_local {
    (@new clone) => { $crate::TaskLocal::inherited() };
    (@new none) => { $crate::TaskLocal::private() };
    (@new) => { $crate::TaskLocal::private() };
    ($($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty $(, inherit = $how:ident)?;)*) => {
        $($(#[$meta])* $vis static $name: $crate::TaskLocal<$type> =
            $crate::task_local!(@new $($how)?);)*
    };
}

pin_project! {
    /// The future of [`TaskLocal::scope`].
    #[must_use = "futures do nothing until polled"]
    pub struct WithLocal<F> {
        #[pin]
        body: F,
        key: usize,
        local: Option<Local>,
    }
}

impl<F: Future> Future for WithLocal<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let core = home::expect("a task local", Rc::clone);
        let _inside = Inside::enter(&core, *this.key, this.local);
        this.body.poll(context)
    }
}

impl<F> fmt::Debug for WithLocal<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithLocal").finish_non_exhaustive()
    }
}

/// While it lives the task has the scope's value, and the scope the task's.
struct Inside<'a> {
    core: &'a Core,
    key: usize,
    place: &'a mut Option<Local>,
}

impl<'a> Inside<'a> {
    fn enter(core: &'a Core, key: usize, place: &'a mut Option<Local>) -> Self {
        let mut inside = Self { core, key, place };
        inside.exchange();
        inside
    }

    fn exchange(&mut self) {
        *self.place = self.core.replace_local(self.key, self.place.take());
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.exchange();
    }
}

impl Core {
    /// The running task's value.
    fn local(&self, key: usize) -> Option<Rc<dyn Any>> {
        let task = self.current.key()?;
        self.tasks.borrow().get(task)?.extra()?.locals.get(key)
    }

    /// Gives the running task another value; the caller drops the old one.
    #[track_caller]
    fn replace_local(&self, key: usize, new: Option<Local>) -> Option<Local> {
        let task = self.current.key();
        let task = task.expect("task locals are those of a running task, and none is running");
        self.has_locals.set(true);
        self.is_special.set(true);
        let mut tasks = self.tasks.borrow_mut();
        let locals = &mut tasks.get_mut(task)?.extra_mut().locals;
        locals.replace(key, new)
    }

    /// What a task that is spawned now takes over from the one that is running.
    #[inline]
    pub(crate) fn inherited_locals(&self) -> Option<Locals> {
        if self.has_locals.get() {
            self.copy_locals()
        } else {
            None
        }
    }

    #[inline(never)]
    fn copy_locals(&self) -> Option<Locals> {
        let kept: Vec<(usize, Rc<dyn Any>, Copy)> = {
            let tasks = self.tasks.borrow();
            let parent = self.current.key().and_then(|key| tasks.get(key));
            let extra = parent.and_then(|parent| parent.extra())?;
            let locals = extra.locals.0.iter();
            locals
                .filter_map(|local| Some((local.key, local.value.clone(), local.copy?)))
                .collect()
        };
        let copies = kept.into_iter().map(|(key, value, copy)| Local {
            key,
            value: copy(&*value),
            copy: Some(copy),
        });
        let copies: Vec<Local> = copies.collect();
        (!copies.is_empty()).then_some(Locals(copies))
    }
}
