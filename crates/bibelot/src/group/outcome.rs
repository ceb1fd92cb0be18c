//! The outcome: what a group leaves.

use std::fmt;
use std::sync::Arc;

use bibelot_kernel::TaskId;

use super::error::{GroupError, MemberError};

/// A member that has ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finished<T, E> {
    /// The member's task.
    pub id: TaskId,
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// Its value, or why it gave none.
    pub result: Result<T, MemberError<E>>,
}

/// What a group leaves: what its body returned, and every member's result in the order of spawning.
///
/// Daemons are not in it, nor members that were joined or taken as they ended.
#[must_use = "the failures of members are in it"]
pub struct Outcome<T, E, R> {
    value: R,
    members: Vec<Finished<T, E>>,
    completed: Option<TaskId>,
}

impl<T, E, R> Outcome<T, E, R> {
    /// `members` in spawn order.
    pub(super) fn new(value: R, members: Vec<Finished<T, E>>, completed: Option<TaskId>) -> Self {
        Self {
            value,
            members,
            completed,
        }
    }

    /// What the body returned.
    pub fn value(&self) -> &R {
        &self.value
    }

    /// What the body returned, and the members.
    pub fn into_parts(self) -> (R, Vec<Finished<T, E>>) {
        (self.value, self.members)
    }

    /// The first member, in the order of ending, that counted for what the group waited for.
    ///
    /// Curio: `g.completed`.
    #[must_use]
    pub fn completed(&self) -> Option<TaskId> {
        self.completed
    }

    /// The result of the [completed](Self::completed) member.
    #[must_use]
    pub fn first(&self) -> Option<&Result<T, MemberError<E>>> {
        self.get(self.completed?)
    }

    /// The result of the [completed](Self::completed) member.
    ///
    /// Curio: `g.result`.
    #[must_use]
    pub fn into_first(self) -> Option<Result<T, MemberError<E>>> {
        let completed = self.completed?;
        self.members
            .into_iter()
            .find(|member| member.id == completed)
            .map(|member| member.result)
    }

    /// Why the [completed](Self::completed) member gave no value, if it gave none.
    ///
    /// Curio: `g.exception`.
    #[must_use]
    pub fn error(&self) -> Option<&MemberError<E>> {
        self.first()?.as_ref().err()
    }

    /// A member's result.
    #[must_use]
    pub fn get(&self, id: TaskId) -> Option<&Result<T, MemberError<E>>> {
        let index = self
            .members
            .binary_search_by_key(&id, |member| member.id)
            .ok()?;
        Some(&self.members[index].result)
    }

    /// The members, in the order of spawning.
    ///
    /// Curio: `g.results` and `g.exceptions`.
    pub fn iter(&self) -> std::slice::Iter<'_, Finished<T, E>> {
        self.members.iter()
    }

    /// The members that gave no value, in the order of spawning, and why.
    pub fn errors(&self) -> impl Iterator<Item = (TaskId, &MemberError<E>)> {
        let members = self.members.iter();
        members.filter_map(|member| Some((member.id, member.result.as_ref().err()?)))
    }

    /// How many members are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether no member is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// All values, in the order of spawning.
    ///
    /// Curio: `g.results`.
    ///
    /// # Errors
    ///
    /// All failures, when a member failed; else all members that were stopped, when one was.
    pub fn into_results(self) -> Result<Vec<T>, GroupError<E>> {
        let mut values = Vec::with_capacity(self.members.len());
        let mut errors = Vec::new();
        let mut names = Vec::new();
        for Finished { id, name, result } in self.members {
            match result {
                Ok(value) => values.push(value),
                Err(error) => {
                    errors.push((id, error));
                    names.extend(name.map(|name| (id, name)));
                }
            }
        }
        match GroupError::new(errors, names) {
            Some(error) => Err(error),
            None => Ok(values),
        }
    }
}

impl<T, E, R> IntoIterator for Outcome<T, E, R> {
    type Item = Finished<T, E>;
    type IntoIter = std::vec::IntoIter<Finished<T, E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl<'a, T, E, R> IntoIterator for &'a Outcome<T, E, R> {
    type Item = &'a Finished<T, E>;
    type IntoIter = std::slice::Iter<'a, Finished<T, E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: fmt::Debug, E: fmt::Debug, R: fmt::Debug> fmt::Debug for Outcome<T, E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("value", &self.value)
            .field("members", &self.members)
            .field("completed", &self.completed)
            .finish()
    }
}
