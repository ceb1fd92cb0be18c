//! The child: one measurement of one contender, in a process of its own.
//!
//! A fresh process has a fresh heap, and is one that can be pinned, counted and lost. A computing cell prints
//! what it found. A server prints its port, serves until its connections are closed, and is measured
//! from outside.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use crate::cell::Cell;
use crate::contender;
use crate::pin::{self, Place, pin};
use crate::watch::{Sample, end_after};

/// The first argument of a child.
pub const MARK: &str = "--child";

/// A child that still runs then is stuck.
const STUCK_AFTER_S: u32 = 60;

/// How much slower a child may be that is watched instruction by instruction.
pub const WATCHED: u32 = 10;

/// The command that runs a child.
pub fn command(contender: &str, cell: Cell, ops: u64) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    prepare(&mut command, contender, cell, ops, 1);
    Ok(command)
}

/// Adds the arguments of a child to a command; it may be so many times slower than others.
pub fn prepare(command: &mut Command, contender: &str, cell: Cell, ops: u64, slower: u32) {
    let patience_s = STUCK_AFTER_S * slower;
    command
        .args([MARK, contender, &cell.to_string()])
        .args([ops.to_string(), patience_s.to_string()])
        .env(pin::PROCESSORS, pin::processors())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
}

/// Is the child.
pub fn main(args: &[String]) -> io::Result<()> {
    let [contender, cell, ops, patience_s] = args else {
        return Err(io::Error::other(
            "a child is told contender, cell, count and patience",
        ));
    };
    let contender = contender::from_name(contender).ok_or(io::ErrorKind::NotFound)?;
    let cell = Cell::from_name(cell).ok_or(io::ErrorKind::NotFound)?;
    let ops = ops.parse().map_err(io::Error::other)?;
    pin(Place::Contender);
    end_after(patience_s.parse().map_err(io::Error::other)?);
    if cell.has_network() {
        return contender.serve(cell, |port| println!("{port}"));
    }
    let sample = contender.compute(cell, ops)?;
    println!("{} {}", sample.amount, sample.ops);
    Ok(())
}

/// Runs a child that computes, and takes what it found.
pub fn compute(contender: &str, cell: Cell, ops: u64) -> io::Result<Sample> {
    let output = command(contender, cell, ops)?.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let mut lines = said
            .lines()
            .skip_while(|line| !line.contains(" panicked at "));
        let why = lines
            .nth(1)
            .map_or_else(String::new, |line| format!(": {line}"));
        return Err(io::Error::other(how_it_ended(output.status) + &why));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(amount)), Some(Ok(ops))) => Ok(Sample { amount, ops }),
        _ => Err(io::Error::other(format!("it said {text:?}"))),
    }
}

/// What became of a child that did not end well, for the report.
pub fn how_it_ended(status: ExitStatus) -> String {
    if status.signal() == Some(libc::SIGALRM) {
        return format!("it was stuck, and ended after {STUCK_AFTER_S} s");
    }
    format!("it ended by {status}")
}
