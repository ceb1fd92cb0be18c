//! Numbers: bibelot beside other runtimes and beside loops written by hand.
//!
//! | File | What it holds |
//! |---|---|
//! | `cell`, `contender` | what is measured; who runs it |
//! | `computing`, `syncing`, `ring`, `parked`, `messages` | the cells without a network, one text for all |
//! | `child`, `server`, `load` | one measurement: a process, and what keeps a server busy |
//! | `watch`, `calls`, `instructions`, `histogram` | what is measured: time, calls, code, latencies |
//! | `plan`, `rounds`, `statistics` | how much of it; who is measured when; what it comes to |
//! | `report`, `target`, `verdict`, `growth` | the tables; what is met or missed; ahead or behind; how it grows |
//! | `plot`, `axis`, `machine` | the pictures, and their scale; on what it was measured |
//! | `options`, `pin` | the command line; which processor |

#![deny(unsafe_code)]

mod axis;
mod calls;
mod cell;
mod child;
mod computing;
mod contender;
mod growth;
mod histogram;
mod instructions;
mod load;
mod machine;
mod messages;
mod options;
mod parked;
mod pin;
mod plan;
mod plot;
mod report;
mod ring;
mod rounds;
mod server;
mod statistics;
mod syncing;
mod target;
mod verdict;
mod watch;

use std::env;
use std::io::Write;
use std::process::ExitCode;

use cell::{CELLS, Cell};
use contender::Contender;
use options::{HELP, Options, is_chosen};
use plan::Budget;
use report::{Report, table};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let done = match args.first().map(String::as_str) {
        Some(child::MARK) => child::main(&args[1..]).map_err(|error| error.to_string()),
        Some("--list") => {
            list();
            Ok(())
        }
        Some("--help") => {
            print!("{HELP}");
            Ok(())
        }
        _ => Options::read(args.into_iter()).and_then(|options| compare(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for cell in CELLS {
        println!("{cell}");
    }
    for contender in contender::contenders() {
        println!("{}", contender.name());
    }
}

/// Measures what was chosen; prints a table as soon as it is there, and writes the report as far as it has come.
fn compare(options: &Options) -> Result<(), String> {
    pin::pin(pin::Place::Load);
    let mut report = Report::default();
    let contenders = available(&mut report);
    if option_env!("CARGO_INCREMENTAL") == Some("1") {
        report.note(INCREMENTAL.to_owned());
    }
    let chosen = CELLS.iter().copied().filter(|cell| {
        is_chosen(&options.cells, &cell.to_string())
            && (!options.instructions || instructions::can_count(*cell, options.scale))
    });
    let chosen: Vec<Cell> = chosen.collect();
    let mut budget = options
        .budget
        .map(|span| Budget::new(span, chosen.clone(), &contenders, options.rounds));
    for cell in chosen {
        let share = budget.as_mut().map(Budget::share);
        let findings = rounds::run(cell, &contenders, options, share);
        if !findings.is_empty() {
            print!("{}", table(cell, &findings));
            let _ = std::io::stdout().flush();
            report.add(cell, findings);
            report.write(options).map_err(|error| error.to_string())?;
        }
    }
    let failures = report.failures();
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}

/// What a build for development does to what is measured.
const INCREMENTAL: &str = "This was built incrementally, which makes our code slower (a yield by a quarter) and that of \
                           peers not.";

/// The contenders that can run here.
fn available(report: &mut Report) -> Vec<Box<dyn Contender>> {
    let mut contenders = contender::contenders();
    contenders.retain(|it| {
        let is_available = it.is_available();
        if !is_available {
            report.note(format!(
                "{} is left out: this machine refuses what it needs.",
                it.name()
            ));
        }
        is_available
    });
    contenders
}
