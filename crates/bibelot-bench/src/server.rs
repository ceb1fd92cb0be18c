//! The server: a child that serves, measured from outside while the load runs.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, ExitStatus};

use crate::calls::Calls;
use crate::cell::Cell;
use crate::child;
use crate::load::Load;
use crate::watch::process_ns;

/// What one run of a server came to, per operation.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// CPU time of the server.
    pub cpu_ns: f64,
    /// Wall time.
    pub wall_ns: f64,
    /// Half of the messages took no longer.
    pub p50_ns: f64,
    /// All but a hundredth took no longer.
    pub p99_ns: f64,
    /// System calls, if they were counted.
    pub calls: Option<f64>,
}

/// Runs a server under load for so many operations, after a tenth of them to warm up.
pub fn serve(contender: &str, cell: Cell, ops: u64, counts: bool) -> io::Result<Served> {
    let mut child = Reaped(child::command(contender, cell, ops)?.spawn()?);
    let stdout = child.0.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let port = line.trim().parse().map_err(io::Error::other)?;

    let (message, weight) = cell.message();
    let each = (ops / (cell.connections() as u64 * weight)).max(1);
    let mut load = Load::connect(port, cell.connections(), message)?;
    load.run((each / 10).max(1))?;

    let pid = child.0.id();
    let calls = if counts { Calls::of(pid).ok() } else { None };
    let before = process_ns(pid)?;
    let seen = load.run(each)?;
    let cpu_ns = process_ns(pid)? - before;
    let calls = calls.map(|calls| calls.read()).transpose()?;

    drop(load);
    let status = child.wait()?;
    if !status.success() {
        return Err(io::Error::other(format!("the server ended by {status}")));
    }
    let done = (seen.messages * weight) as f64;
    Ok(Served {
        cpu_ns: cpu_ns as f64 / done,
        wall_ns: seen.wall.as_nanos() as f64 / done,
        p50_ns: seen.latencies.quantile(0.5),
        p99_ns: seen.latencies.quantile(0.99),
        calls: calls.map(|calls| calls as f64 / done),
    })
}

/// A child that does not outlive its owner.
struct Reaped(Child);

impl Reaped {
    fn wait(&mut self) -> io::Result<ExitStatus> {
        self.0.wait()
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        // One that has ended by itself takes no harm.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
