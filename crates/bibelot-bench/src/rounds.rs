//! The rounds: each contender once, then each once again, so that all share the same noise.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use crate::cell::Cell;
use crate::child;
use crate::contender::{Contender, Role};
use crate::instructions;
use crate::options::{Options, is_chosen};
use crate::plan::Cost;
use crate::server;

/// What was found of one contender in one cell, by figure, round by round.
#[derive(Debug)]
pub struct Findings {
    /// Whose they are.
    pub contender: &'static str,
    /// What it is to us.
    pub role: Role,
    /// The values of each figure.
    pub figures: BTreeMap<Figure, Vec<f64>>,
    /// How many operations each measurement took.
    pub ops: u64,
    /// Why a measurement failed.
    pub failure: Option<String>,
    /// Why it was not even tried.
    pub left_out: Option<&'static str>,
}

/// What is found, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Instructions per operation.
    Instructions,
    /// CPU time per operation, in nanoseconds.
    Cpu,
    /// Bytes per operation.
    Bytes,
    /// System calls per operation.
    Calls,
    /// Operations per second.
    Rate,
    /// The median latency, in nanoseconds.
    P50,
    /// The latency that one in a hundred exceeds.
    P99,
    /// For how long the processor waited for a disk or the like, in milliseconds.
    IoWait,
}

impl Figure {
    /// What it is called in a line of text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Cpu => "CPU",
            Self::Bytes => "bytes",
            Self::Calls => "calls",
            Self::Rate => "rate",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::IoWait => "iowait",
        }
    }
}

/// Runs the rounds of one cell, within its share of the time if there is one.
pub fn run(
    cell: Cell,
    contenders: &[Box<dyn Contender>],
    options: &Options,
    share: Option<Duration>,
) -> Vec<Findings> {
    let mut all: Vec<Findings> = contenders
        .iter()
        .filter(|it| it.has(cell))
        .filter(|it| it.role() == Role::Limit || is_chosen(&options.contenders, it.name()))
        .map(|it| Findings {
            contender: it.name(),
            role: it.role(),
            figures: BTreeMap::new(),
            ops: cell.ops(options.scale),
            failure: None,
            left_out: it.leaves_out(cell),
        })
        .collect();
    let rounds = if options.instructions {
        1
    } else {
        options.rounds
    };
    if let Some(share) = share.filter(|_| !cell.has_size()) {
        plan(&mut all, cell, rounds, share);
    }
    for round in 0..rounds {
        for findings in &mut all {
            if !findings.takes_part() || round >= cell.rounds(findings.role, rounds) {
                continue;
            }
            if let Err(error) = measure(findings, cell, options, round == 0) {
                findings.failure = Some(error.to_string());
            }
        }
    }
    all
}

/// Finds out how many operations of each contender fit.
fn plan(all: &mut [Findings], cell: Cell, rounds: usize, share: Duration) {
    let began = Instant::now();
    // System calls are counted in a run of their own.
    let runs = rounds + usize::from(cell.has_network());
    let count = all.iter().filter(|it| it.takes_part()).count() * runs;
    let slot = |span: Duration| span / count.max(1) as u32;
    let mut costs = Vec::new();
    for it in all.iter_mut() {
        let name = it.contender;
        let cost = it
            .takes_part()
            .then(|| Cost::find(cell, slot(share), |ops| try_out(name, cell, ops)));
        costs.push(cost.transpose().unwrap_or_else(|error| {
            it.failure = Some(error.to_string());
            None
        }));
    }
    let slot = slot(share.saturating_sub(began.elapsed()));
    for (it, cost) in all.iter_mut().zip(costs) {
        if let Some(cost) = cost {
            it.ops = cost.fit(cell, slot);
        }
    }
}

fn try_out(name: &str, cell: Cell, ops: u64) -> io::Result<()> {
    if cell.has_network() {
        server::serve(name, cell, ops, false).map(drop)
    } else {
        child::compute(name, cell, ops).map(drop)
    }
}

fn measure(
    findings: &mut Findings,
    cell: Cell,
    options: &Options,
    is_first: bool,
) -> io::Result<()> {
    let (name, ops) = (findings.contender, findings.ops);
    if options.instructions {
        let count = instructions::per_op(name, cell, options.scale)?;
        findings.add(Figure::Instructions, count);
    } else if matches!(cell, Cell::Idle { .. }) {
        let span = Duration::from_millis(ops);
        let idle = server::idle(name, cell, span)?;
        findings.add(Figure::Cpu, idle.cpu_ns);
        if let Some(calls) = idle.calls {
            findings.add(Figure::Calls, calls);
        }
        if let Some(iowait) = idle.iowait_ms {
            findings.add(Figure::IoWait, iowait);
        }
    } else if cell.has_network() {
        if is_first && let Some(calls) = server::serve(name, cell, ops, true)?.calls {
            findings.add(Figure::Calls, calls);
        }
        let served = server::serve(name, cell, ops, false)?;
        findings.add(Figure::Cpu, served.cpu_ns);
        findings.add(Figure::Rate, 1e9 / served.wall_ns);
        findings.add(Figure::P50, served.p50_ns);
        findings.add(Figure::P99, served.p99_ns);
    } else {
        let sample = child::compute(name, cell, ops)?;
        if sample.ops > 0 {
            findings.add(cell.figure(), sample.amount as f64 / sample.ops as f64);
        }
    }
    Ok(())
}

impl Findings {
    /// Whether it is measured.
    pub fn takes_part(&self) -> bool {
        self.failure.is_none() && self.left_out.is_none()
    }

    fn add(&mut self, figure: Figure, value: f64) {
        self.figures.entry(figure).or_default().push(value);
    }

    /// The values of a figure.
    pub fn values(&self, figure: Figure) -> &[f64] {
        self.figures.get(&figure).map_or(&[], Vec::as_slice)
    }

    /// Some of one figure, for tests.
    #[cfg(test)]
    pub fn test(contender: &'static str, role: Role, figure: Figure, values: &[f64]) -> Self {
        Self {
            contender,
            role,
            figures: BTreeMap::from([(figure, values.to_vec())]),
            ops: 1,
            failure: None,
            left_out: None,
        }
    }
}
