//! What the examples print, compared with the files in `output/`.
//!
//! Each runs as it is, on the backend that the machine offers and on polling, and prints the same.
//! `cargo test -p bibelot-examples` builds them first.

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Examples whose output is another each time: measured, endless, or told in tests of their own.
const UNCHECKED: [&str; 8] = [
    "compare",
    "echo",
    "kernel_alone",
    "reactor_alone",
    "sched_laws",
    "task_alone",
    "tour",
    "wheel_alone",
];

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo puts examples: beside the folder of this test.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let path = profile.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    assert!(
        path.exists(),
        "{} is not built: `cargo test -p bibelot-examples` builds it",
        path.display()
    );
    path
}

/// What an example prints on `reactor`; numbers of scopes are left out, for they count all there were.
fn output(name: &str, reactor: &str) -> String {
    let run = Command::new(binary(name))
        .env("BIBELOT_REACTOR", reactor)
        .output()
        .unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(
        run.status.success(),
        "{name} on {reactor} failed after {text:?}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
    let mut parts = text.split("scope ");
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |text, part| {
        text + "scope _" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

fn prints(name: &str) {
    let expected = fs::read_to_string(here().join(format!("output/{name}.txt"))).unwrap();
    for reactor in ["auto", "poll"] {
        assert_eq!(output(name, reactor), expected, "{name} on {reactor}");
    }
}

macro_rules! examples {
    ($($name:ident),* $(,)?) => {
        const CHECKED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                prints(stringify!($name));
            }
        )*
    };
}

examples! {
    async_threads,
    chat,
    cluster,
    happy_eyeballs,
    hello,
    in_process,
    in_thread,
    kid,
    nested_timeouts,
    prodcons,
    pubsub,
    race,
    run_in_process,
    shielding,
    three_worlds,
}

#[test]
fn every_example_is_checked_or_said_to_be_unchecked() {
    let sources: BTreeSet<String> = fs::read_dir(here())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !["lib", "output"].contains(&name.as_str()))
        .collect();
    let known: BTreeSet<String> = CHECKED
        .iter()
        .chain(&UNCHECKED)
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(sources, known);
}
