//! The machine: on what and how a report was made.

use std::fs;

use crate::options::Options;

/// One paragraph for the top of a report.
pub fn description(options: &Options) -> String {
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let count = count();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown");
    format!(
        "{count} processors ({processor}), Linux {}; {} rounds at a scale of {}; the load average at the end \
         was {load}. Ratios hold within this run; absolute times are this machine's, with whatever else it \
         did.\n",
        release.trim(),
        options.rounds,
        options.scale,
    )
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
