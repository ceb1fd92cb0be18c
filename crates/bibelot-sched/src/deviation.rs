//! The deviation: an answer other than production's, written so that people can copy it.
//!
//! `r[2,1].7=1` says: when it was asked which ready task runs next, at operation 7 of task `[2,1]`, the
//! answer was 1. `i[1].4+2=1` says it of the third question of kind *io* at one site. Deviations are
//! joined by colons.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::{Kind, Site, TaskPath};

/// An answer other than production's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deviation {
    /// What was chosen.
    pub kind: Kind,
    /// The steps of the task whose choice it was.
    pub task: Vec<u32>,
    /// Which of the task's operations it belongs to.
    pub nth: u64,
    /// How many questions of this kind were asked at this site before.
    pub again: u32,
    /// The answer.
    pub answer: usize,
}

impl Deviation {
    /// Where the question was asked.
    #[must_use]
    pub fn at(&self) -> Site<'_> {
        Site::new(TaskPath::new(&self.task), self.nth)
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind, self.at())?;
        if self.again > 0 {
            write!(f, "+{}", self.again)?;
        }
        write!(f, "={}", self.answer)
    }
}

/// Why a text is no deviation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotADeviation {
    /// The text.
    pub text: alloc::string::String,
}

impl fmt::Display for NotADeviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not written like r[2,1].7=1", self.text)
    }
}

impl core::error::Error for NotADeviation {}

impl FromStr for Deviation {
    type Err = NotADeviation;

    fn from_str(text: &str) -> Result<Self, NotADeviation> {
        parse(text).ok_or_else(|| NotADeviation { text: text.into() })
    }
}

fn parse(text: &str) -> Option<Deviation> {
    let (place, answer) = text.split_once('=')?;
    let (place, again) = match place.split_once('+') {
        Some((place, again)) => (place, number(again)?),
        None => (place, 0),
    };
    let mut letters = place.chars();
    let kind = Kind::from_letter(letters.next()?)?;
    let (path, nth) = letters.as_str().strip_prefix('[')?.split_once("].")?;
    let mut task = Vec::new();
    if !path.is_empty() {
        for step in path.split(',') {
            task.push(number(step)?);
        }
    }
    Some(Deviation {
        kind,
        task,
        nth: number(nth)?,
        again,
        answer: number(answer)?,
    })
}

/// Digits and nothing else; the standard parser would take a sign.
fn number<N: FromStr>(text: &str) -> Option<N> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Deviations joined by colons, to be written down and read back.
///
/// ```
/// use bibelot_sched::Deviations;
///
/// let written = "r[1].2=1:i[1,0].4+2=3";
/// let deviations: Deviations = written.parse()?;
/// assert_eq!(deviations.0[1].task, [1, 0]);
/// assert_eq!(deviations.to_string(), written);
/// # Ok::<(), bibelot_sched::NotADeviation>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deviations(pub Vec<Deviation>);

impl fmt::Display for Deviations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, deviation) in self.0.iter().enumerate() {
            let colon = if nth == 0 { "" } else { ":" };
            write!(f, "{colon}{deviation}")?;
        }
        Ok(())
    }
}

impl FromStr for Deviations {
    type Err = NotADeviation;

    fn from_str(text: &str) -> Result<Self, NotADeviation> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let deviations: Result<_, _> = text.split(':').map(Deviation::from_str).collect();
        Ok(Self(deviations?))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn what_is_no_deviation_is_named() {
        for text in [
            "",
            "r",
            "r[1].2",
            "z[1].2=1",
            "r[1.2=1",
            "r[1,].2=1",
            "r[1].+2=1",
            "r[1].2=-1",
            "r[1].2=+1",
            "r[1].=1",
            "r[1].2=",
        ] {
            let error = text.parse::<Deviation>().unwrap_err();
            assert!(error.to_string().contains(text));
        }
        assert_eq!(
            "r[1].2=1:".parse::<Deviations>(),
            Err(NotADeviation { text: "".into() })
        );
    }

    #[test]
    fn nothing_is_no_deviations() {
        assert_eq!("".parse(), Ok(Deviations::default()));
        assert_eq!(Deviations::default().to_string(), "");
    }
}
