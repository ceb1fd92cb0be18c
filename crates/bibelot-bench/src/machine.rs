//! The machine: on what and how a report was made.

use std::{env, fs};

use crate::options::Options;

/// One paragraph for the top of a report.
pub fn description(options: &Options) -> String {
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let count = count();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown");
    let size = match options.budget {
        Some(budget) => format!(
            "within {} s, each contender with as many operations as fit",
            budget.as_secs()
        ),
        None => format!("at a scale of {}", options.scale),
    };
    format!(
        "{count} processors ({processor}), Linux {}; rounds: {}, {size}; the load average at the end was \
         {load}. Ratios hold within this run; absolute times are this machine's, with whatever else it did.\n",
        release.trim(),
        options.rounds,
    )
}

/// How the report was asked for.
pub fn command() -> String {
    let features = if cfg!(feature = "peers") {
        " --features peers"
    } else {
        ""
    };
    let args: Vec<String> = env::args().skip(1).collect();
    let args = args.join(" ");
    format!("cargo run --release -p bibelot-bench{features} -- {args}")
}

/// How many processors there are, those included that this process is not pinned to.
fn count() -> usize {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names = text.lines().filter(|line| line.starts_with("processor"));
    names.count()
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
