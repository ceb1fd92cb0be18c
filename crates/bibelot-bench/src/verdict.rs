//! The verdict: where bibelot is ahead of the best peer, and where it is behind.
//!
//! Ours is the better of the two backends, theirs the best of the peers, by the first figure of the cell.
//! Only what lies beyond 1 with its whole interval counts as ahead or behind.

use std::fmt::Write;

use crate::cell::Cell;
use crate::contender::Role;
use crate::rounds::{Figure, Findings};
use crate::statistics::{Summary, interval, ratios, spread};

/// The verdict over all cells; nothing without peers.
pub fn text(cells: &[(Cell, Vec<Findings>)]) -> String {
    let found: Vec<(Cell, &str, &str, Summary)> = cells
        .iter()
        .filter_map(|(cell, findings)| {
            let figure = first_figure(findings)?;
            let ours = best(findings, Role::Ours, figure)?;
            let theirs = best(findings, Role::Peer, figure)?;
            // Nothing can be compared with nothing.
            spread(theirs.values(figure)).filter(|found| found.low > 0.0)?;
            let ratios = ratios(ours.values(figure), theirs.values(figure));
            Some((*cell, ours.contender, theirs.contender, interval(&ratios)?))
        })
        .collect();
    if found.is_empty() {
        return String::new();
    }
    let mut text = "## Beside the best peer\n\n".to_owned();
    text.push_str("The better of our backends by the best peer, as a ratio of costs: below 1 we are ahead.\n\n");
    text.push_str("| cell | ours | best peer | ratio | |\n|---|---|---|---:|---|\n");
    for (cell, ours, theirs, ratio) in found {
        let verdict = match ratio {
            _ if ratio.high < 1.0 => "ahead",
            _ if ratio.low > 1.0 => "**behind**",
            _ => "level",
        };
        let _ = writeln!(
            text,
            "| {cell} | {ours} | {theirs} | {:.2} [{:.2}, {:.2}] | {verdict} |",
            ratio.median, ratio.low, ratio.high
        );
    }
    text.push('\n');
    text
}

/// The most telling figure that was found.
pub fn first_figure(findings: &[Findings]) -> Option<Figure> {
    let figures = [
        Figure::Instructions,
        Figure::Cpu,
        Figure::Bytes,
        Figure::P50,
        Figure::Calls,
    ];
    let has = |figure: &Figure| findings.iter().any(|it| !it.values(*figure).is_empty());
    figures.into_iter().find(has)
}

/// The one of this role whose median is lowest.
pub fn best(findings: &[Findings], role: Role, figure: Figure) -> Option<&Findings> {
    let all = findings
        .iter()
        .filter(|it| it.role == role && it.takes_part());
    let found = all.filter_map(|it| Some((spread(it.values(figure))?.median, it)));
    found
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|found| found.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_intervals_count() {
        let cell = Cell::Spawn { batch: 1 };
        let ours = Findings::test("ours", Role::Ours, Figure::Cpu, &[1.0, 1.0, 1.0]);
        let slow = Findings::test("slow", Role::Peer, Figure::Cpu, &[2.0, 2.0, 2.0]);
        let near = Findings::test("near", Role::Peer, Figure::Cpu, &[0.9, 1.0, 1.1]);
        let ahead = text(&[(cell, vec![ours, slow])]);
        assert!(ahead.contains("| spawn/1 | ours | slow | 0.50 [0.50, 0.50] | ahead |"));
        let ours = Findings::test("ours", Role::Ours, Figure::Cpu, &[1.0, 1.0, 1.0]);
        assert!(text(&[(cell, vec![ours, near])]).contains("level"));
    }
}
