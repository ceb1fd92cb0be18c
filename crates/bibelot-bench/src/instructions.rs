//! The count of instructions: what a contender's code is, whatever the machine does beside.
//!
//! A child runs twice under callgrind, with few and with many operations. The difference is what the
//! operations cost, without start and end.

use std::io;
use std::process::{Command, Stdio};

use crate::cell::Cell;
use crate::child;
use crate::rounds::Figure;

/// Whether a cell is one whose operations can be counted: without a network, and neither memory nor so
/// large that few and many are the same.
pub fn can_count(cell: Cell, scale: f64) -> bool {
    let (few, many) = counts(cell, scale);
    few < many && cell.figure() == Figure::Cpu && !cell.has_network()
}

fn counts(cell: Cell, scale: f64) -> (u64, u64) {
    (cell.ops(0.01 * scale), cell.ops(0.05 * scale))
}

/// Instructions per operation.
pub fn per_op(contender: &str, cell: Cell, scale: f64) -> io::Result<f64> {
    let (few, many) = counts(cell, scale);
    let span = count(contender, cell, many)?.saturating_sub(count(contender, cell, few)?);
    Ok(span as f64 / (many - few) as f64)
}

fn count(contender: &str, cell: Cell, ops: u64) -> io::Result<u64> {
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .stderr(Stdio::piped());
    child::prepare(&mut command, contender, cell, ops, child::WATCHED);
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text
        .lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok());
    match collected {
        Some(count) if output.status.success() => Ok(count),
        _ => {
            let reason = text.lines().find(|line| line.contains("terminating"));
            let reason = reason.or(text.lines().last()).unwrap_or("nothing");
            Err(io::Error::other(format!("valgrind said: {reason}")))
        }
    }
}
