//! The rounds: each contender once, then each once again, so that all share the same noise.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cell::Cell;
use crate::child;
use crate::contender::{Contender, Role};
use crate::instructions;
use crate::options::{Options, is_chosen};
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
    /// Why a measurement failed.
    pub failure: Option<String>,
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

/// How many rounds tell enough of what takes ten seconds each.
const IDLE_ROUNDS: usize = 3;

/// Runs the rounds of one cell.
pub fn run(cell: Cell, contenders: &[Box<dyn Contender>], options: &Options) -> Vec<Findings> {
    let mut all: Vec<Findings> = contenders
        .iter()
        .filter(|it| it.has(cell))
        .filter(|it| it.role() == Role::Limit || is_chosen(&options.contenders, it.name()))
        .map(|it| Findings {
            contender: it.name(),
            role: it.role(),
            figures: BTreeMap::new(),
            failure: None,
        })
        .collect();
    let rounds = if options.instructions {
        1
    } else if matches!(cell, Cell::Idle { .. }) {
        options.rounds.min(IDLE_ROUNDS)
    } else {
        options.rounds
    };
    for round in 0..rounds {
        for findings in all.iter_mut().filter(|it| it.failure.is_none()) {
            if let Err(error) = measure(findings, cell, options, round == 0) {
                findings.failure = Some(error.to_string());
            }
        }
    }
    all
}

fn measure(
    findings: &mut Findings,
    cell: Cell,
    options: &Options,
    is_first: bool,
) -> std::io::Result<()> {
    let ops = cell.ops(options.scale);
    let name = findings.contender;
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
            failure: None,
        }
    }
}
