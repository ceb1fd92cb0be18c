//! The server: a child that serves, measured from outside while the load runs.

use std::io::{self, BufRead, BufReader};
use std::process::Child;
use std::thread;
use std::time::Duration;

use crate::calls::Calls;
use crate::cell::Cell;
use crate::child;
use crate::load::Load;
use crate::pin::{self, Place};
use crate::watch::{self, process_ns};

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

/// What a server that has nothing to do came to.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// CPU time of the server, in all.
    pub cpu_ns: f64,
    /// System calls in all, if they were counted.
    pub calls: Option<f64>,
    /// For how long its processor counted as waiting.
    pub iowait_ms: Option<f64>,
}

/// How long a server may take until it has nothing to do.
const SETTLE: Duration = Duration::from_millis(200);

/// Connects to a server, and leaves it alone for so long.
pub fn idle(contender: &str, cell: Cell, span: Duration) -> io::Result<Idle> {
    let mut child = Reaped(child::command(contender, cell, 1)?.spawn()?);
    let mut load = Load::connect(child.port()?, cell.connections(), cell.message().0)?;
    load.run(1)?;
    thread::sleep(SETTLE);

    let (pid, processor) = (child.0.id(), pin::processor(Place::Contender));
    let iowait = || watch::iowait_ms(processor?);
    let (calls, waited) = (Calls::of(pid).ok(), iowait());
    let before = process_ns(pid)?;
    thread::sleep(span);
    let cpu_ns = process_ns(pid)? - before;
    let calls = calls.map(|calls| calls.read()).transpose()?;
    let waited = waited.zip(iowait()).map(|(before, after)| after - before);

    drop(load);
    child.ended()?;
    Ok(Idle {
        cpu_ns: cpu_ns as f64,
        calls: calls.map(|calls| calls as f64),
        iowait_ms: waited.map(|ms| ms as f64),
    })
}

/// Runs a server under load for so many operations, after a tenth of them to warm up.
pub fn serve(contender: &str, cell: Cell, ops: u64, counts: bool) -> io::Result<Served> {
    let mut child = Reaped(child::command(contender, cell, ops)?.spawn()?);
    let port = child.port()?;

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
    child.ended()?;
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
    /// Where it listens, as soon as it does.
    fn port(&mut self) -> io::Result<u16> {
        let stdout = self.0.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        line.trim().parse().map_err(io::Error::other)
    }

    /// Waits for its end, which is to be a good one.
    fn ended(&mut self) -> io::Result<()> {
        let status = self.0.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(child::how_it_ended(status)))
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        // One that has ended by itself takes no harm.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
