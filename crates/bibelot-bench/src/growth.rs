//! The growth: what a unit costs at the largest size of a workload, by what it costs at the smallest.
//!
//! The two are paired round by round, although they do not lie as close together in time as contenders do.

use std::fmt::Write;

use crate::cell::Cell;
use crate::contender::Role;
use crate::rounds::Findings;
use crate::statistics::{Summary, interval, ratios};
use crate::target::Verdict;
use crate::verdict::first_figure;

/// What a unit may cost at the largest size, in units of the smallest.
const MOST: f64 = 1.3;

/// A table of every workload of which two sizes were measured; nothing without one.
pub fn text(cells: &[(Cell, Vec<Findings>)]) -> String {
    let mut text = String::new();
    for (small, large) in pairs(cells) {
        for it in &small.1 {
            if matches!(it.role, Role::Limit | Role::Part) && !it.contender.starts_with("bare") {
                continue;
            }
            let Some(found) = growth(it, &small.1, &large.1) else {
                continue;
            };
            let verdict = match it.role {
                Role::Ours => Verdict::of(found, MOST).text(),
                _ => "",
            };
            let _ = writeln!(
                text,
                "| {} to {} | {} | {:.2} [{:.2}, {:.2}] | {verdict} |",
                small.0, large.0, it.contender, found.median, found.low, found.high
            );
        }
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "## Growth\n\nWhat a unit costs at the largest size, by what it costs at the smallest; ours is to be at most \
         {MOST}.\n\n| sizes | | ratio | |\n|---|---|---:|---|\n{text}\n"
    )
}

type Found = (Cell, Vec<Findings>);

/// The smallest and the largest cell of each workload that has sizes.
fn pairs(cells: &[Found]) -> Vec<(&Found, &Found)> {
    let mut pairs: Vec<(&Found, &Found)> = Vec::new();
    for found in cells {
        let Some((kind, size)) = found.0.size() else {
            continue;
        };
        match pairs.iter_mut().find(|pair| is_kind(pair.0.0, kind)) {
            Some(pair) if size > sized(pair.1.0) => pair.1 = found,
            Some(pair) if size < sized(pair.0.0) => pair.0 = found,
            Some(_) => {}
            None => pairs.push((found, found)),
        }
    }
    pairs.retain(|pair| pair.0.0 != pair.1.0);
    pairs
}

fn is_kind(cell: Cell, kind: &str) -> bool {
    cell.size().is_some_and(|size| size.0 == kind)
}

fn sized(cell: Cell) -> usize {
    cell.size().map_or(0, |size| size.1)
}

fn growth(it: &Findings, small: &[Findings], large: &[Findings]) -> Option<Summary> {
    let figure = first_figure(small)?;
    let other = large.iter().find(|other| other.contender == it.contender)?;
    interval(&ratios(other.values(figure), it.values(figure)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::Figure;

    #[test]
    fn the_smallest_is_set_beside_the_largest() {
        let found = |tasks, cost| {
            let ours = Findings::test("ours", Role::Ours, Figure::Cpu, &[cost; 15]);
            (Cell::Yield { tasks }, vec![ours])
        };
        let text = text(&[found(1000, 9.0), found(1, 10.0), found(100_000, 14.0)]);
        let line = "| yield/1 to yield/100000 | ours | 1.40 [1.40, 1.40] | **missed** |";
        assert!(text.contains(line), "{text}");
        assert_eq!(text.matches("| ours |").count(), 1);
    }
}
