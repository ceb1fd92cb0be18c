//! The targets: what each cell is to cost, and whether it does.
//!
//! A target is met by the median of the paired ratios. It is missed when the whole interval lies beyond it,
//! and open when only the median does.

use std::fmt::Write;

use crate::cell::{Cell, Step};
use crate::contender::Role;
use crate::rounds::{Figure, Findings};
use crate::statistics::{Summary, interval, ratios, spread};
use crate::verdict::best;

/// What is to be true of a cell.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Of which figure.
    figure: Figure,
    /// Whose: the better of our backends if nobody is named.
    ours: Option<&'static str>,
    /// What it is compared with.
    beside: Beside,
    /// The most it may be.
    most: f64,
}

/// What a figure is compared with.
#[derive(Clone, Copy, Debug)]
enum Beside {
    /// Nothing: the figure itself.
    Nothing,
    /// The fastest loop written by hand.
    Limit,
    /// The best of the peers.
    BestPeer,
    /// This peer.
    Peer(&'static str),
}

/// Whether a target is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The median is.
    Met,
    /// The median is not, but the interval allows for it.
    Open,
    /// The whole interval is beyond it.
    Missed,
}

impl Verdict {
    /// Judges a ratio, or a figure.
    pub fn of(found: Summary, most: f64) -> Self {
        match found {
            _ if found.median <= most => Self::Met,
            _ if found.low > most => Self::Missed,
            _ => Self::Open,
        }
    }

    /// How it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Open => "open",
            Self::Missed => "**missed**",
        }
    }
}

/// The targets of a cell.
fn targets(cell: Cell) -> Vec<Target> {
    use Beside::{BestPeer, Limit, Nothing, Peer};
    let target = |figure, beside, most| Target {
        figure,
        ours: None,
        beside,
        most,
    };
    let cpu = |beside, most| target(Figure::Cpu, beside, most);
    let of = |ours, target| Target {
        ours: Some(ours),
        ..target
    };
    let sync = |most| {
        let universal = of("bibelot-universal", cpu(Peer("tokio"), 1.0));
        vec![cpu(Nothing, most), universal]
    };
    match cell {
        Cell::Spawn { .. } => vec![cpu(Limit, 1.3)],
        Cell::Yield { .. } | Cell::Ring { .. } => vec![cpu(Limit, 2.0)],
        Cell::Timer { .. } => vec![cpu(Nothing, 50.0)],
        Cell::Timeout { .. } => vec![cpu(Nothing, 60.0)],
        Cell::Timers(Step::Insert | Step::Cancel) => vec![cpu(Nothing, 25.0)],
        Cell::Timers(Step::Fire) => vec![cpu(BestPeer, 1.0)],
        Cell::Lateness => vec![target(Figure::P50, Nothing, 20_000.0)],
        Cell::Queue { capacity: 1 } => sync(25.0),
        Cell::Queue { .. } => sync(7.0),
        Cell::Lock | Cell::Semaphore => sync(6.0),
        Cell::Event => sync(15.0),
        Cell::Message { busy: false } => vec![target(Figure::P50, Limit, 1.0)],
        Cell::Message { busy: true } => vec![target(Figure::Calls, Nothing, 0.01)],
        Cell::Memory { sleeping: false } => vec![target(Figure::Bytes, Nothing, 112.0)],
        Cell::Memory { sleeping: true } => vec![target(Figure::Bytes, Nothing, 160.0)],
        Cell::Echo { connections, .. } => {
            let mut all = vec![cpu(Limit, 1.05), cpu(BestPeer, 1.0)];
            let calls = |most| target(Figure::Calls, Nothing, most);
            match connections {
                1 => all.push(target(Figure::P50, BestPeer, 0.6)),
                50 | 1000 => all.extend([
                    of("bibelot-uring", calls(0.05)),
                    of("bibelot-poll", calls(2.05)),
                ]),
                _ => {}
            }
            all
        }
        Cell::Lines { .. } => vec![cpu(Nothing, 900.0)],
        Cell::Idle { .. } => ["bibelot-uring", "bibelot-poll"]
            .into_iter()
            .flat_map(|ours| {
                [(Figure::Cpu, 1e6), (Figure::Calls, 5.0)]
                    .map(|(figure, most)| of(ours, target(figure, Nothing, most)))
            })
            .collect(),
    }
}

/// The table of all targets, and how many are met; nothing where nothing was found.
pub fn text(cells: &[(Cell, Vec<Findings>)]) -> String {
    let mut lines = String::new();
    let (mut met, mut count) = (0, 0);
    for (cell, findings) in cells {
        for target in targets(*cell) {
            let Some((ours, beside, found)) = target.find(findings) else {
                continue;
            };
            let verdict = Verdict::of(found, target.most);
            met += usize::from(verdict == Verdict::Met);
            count += 1;
            let _ = writeln!(
                lines,
                "| {cell} | {ours} | {} | {beside} | {} | {} [{}, {}] | {} |",
                target.figure.name(),
                number(target.most),
                number(found.median),
                number(found.low),
                number(found.high),
                verdict.text(),
            );
        }
    }
    if count == 0 {
        return String::new();
    }
    format!(
        "## Beside the targets\n\n{met} of {count} are met. A target is met by the median of the ratios of each \
         round, open if it is only in their interval (95 %), and missed if the whole interval lies \
         beyond it. Where there is nothing to compare with it is the figure itself, which is this \
         machine's.\n\n| cell | ours | figure | beside | at most | found | |\n|---|---|---|---|---:|---:|---|\n{lines}\n"
    )
}

/// The strictest target of a figure, as a value of it: where it lies in a picture.
pub fn line(cell: Cell, findings: &[Findings], figure: Figure) -> Option<f64> {
    let those = targets(cell)
        .into_iter()
        // What is beside one peer is for one of our shells.
        .filter(|it| it.figure == figure && !matches!(it.beside, Beside::Peer(_)));
    let values = those.filter_map(|target| {
        let beside = match target.beside {
            Beside::Nothing => return Some(target.most),
            _ => target.beside(findings)?,
        };
        Some(target.most * spread(beside.values(figure))?.median)
    });
    values.min_by(f64::total_cmp)
}

impl Target {
    /// With whom it is compared, if with anybody.
    fn beside<'a>(&self, findings: &'a [Findings]) -> Option<&'a Findings> {
        match self.beside {
            Beside::Nothing => None,
            Beside::Limit => best(findings, Role::Limit, self.figure),
            Beside::BestPeer => best(findings, Role::Peer, self.figure),
            Beside::Peer(name) => findings
                .iter()
                .find(|it| it.contender == name && it.takes_part()),
        }
    }

    fn find<'a>(&self, findings: &'a [Findings]) -> Option<(&'a str, &'a str, Summary)> {
        let named = |name| findings.iter().find(|it| it.contender == name);
        let ours = match self.ours {
            Some(name) => named(name)?,
            None => best(findings, Role::Ours, self.figure)?,
        };
        let values = ours.values(self.figure);
        let theirs = match self.beside {
            Beside::Nothing => return Some((ours.contender, "", interval(values)?)),
            _ => self.beside(findings)?,
        };
        // Nothing can be compared with nothing.
        spread(theirs.values(self.figure)).filter(|found| found.low > 0.0)?;
        let ratios = ratios(values, theirs.values(self.figure));
        Some((ours.contender, theirs.contender, interval(&ratios)?))
    }
}

/// A number to three places where they say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_interval_beyond_it_misses_a_target() {
        let found = |low, median, high| Summary { median, low, high };
        assert_eq!(Verdict::of(found(0.9, 1.05, 1.2), 1.05), Verdict::Met);
        assert_eq!(Verdict::of(found(1.0, 1.1, 1.2), 1.05), Verdict::Open);
        assert_eq!(Verdict::of(found(1.06, 1.1, 1.2), 1.05), Verdict::Missed);
    }

    #[test]
    fn ratios_are_those_of_one_round() {
        // Noise doubles some rounds of both: the ratio does not know of it.
        let limit = Findings::test("bare", Role::Limit, Figure::Cpu, &[10.0, 20.0, 10.0]);
        let ours = Findings::test("ours", Role::Ours, Figure::Cpu, &[12.0, 24.0, 12.0]);
        let text = text(&[(Cell::Spawn { batch: 1 }, vec![limit, ours])]);
        let line = "| spawn/1 | ours | CPU | bare | 1.30 | 1.20 [1.20, 1.20] | met |";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn without_peers_their_targets_are_left_out() {
        let ours = Findings::test("ours", Role::Ours, Figure::Cpu, &[12.0]);
        let cell = Cell::Event;
        let text = text(&[(cell, vec![ours])]);
        assert!(text.contains("1 of 1 are met"), "{text}");
    }
}
