//! The house rules, checked on the sources themselves.
//!
//! Dependencies point down a floor; unsafe code is where `docs/unsafe.md` says and nowhere else; every
//! source file says what it is; kernel and facade make no system call and start no thread; only the
//! files named here read the clock of the operating system.

#[path = "tidy/curio.rs"]
mod curio;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each crate. A dependency points down; `sys` may know `reactor` beside it.
const FLOORS: [(&str, u8); 14] = [
    ("bibelot-task", 0),
    ("bibelot-sched", 0),
    ("bibelot-timer", 0),
    ("bibelot-sync", 0),
    ("bibelot-reactor", 0),
    ("bibelot-macros", 0),
    ("bibelot-sys", 1),
    ("bibelot-uring", 2),
    ("bibelot-poll", 2),
    ("bibelot-kernel", 3),
    ("bibelot-sim", 4),
    ("bibelot", 4),
    ("bibelot-compat", 5),
    ("bibelot-bench", 6),
];

/// Crates of the same floor's neighbours that must not know each other although their floors differ.
const STRANGERS: [(&str, &str); 3] = [
    ("bibelot-kernel", "bibelot-uring"),
    ("bibelot-kernel", "bibelot-poll"),
    ("bibelot-kernel", "bibelot-sys"),
];

/// Files that may read the clock of the operating system: the clock itself, the watch over a reactor that
/// must not block, what learns how long waits are, a wait of two parts, the bounded end of a ring, and plain
/// threads that wait for so long and no longer.
const CLOCK_READERS: [&str; 6] = [
    "crates/bibelot-sync/src/blocking.rs",
    "crates/bibelot-timer/src/clock.rs",
    "crates/bibelot-reactor/src/lawful.rs",
    "crates/bibelot-reactor/src/lookout.rs",
    "crates/bibelot-poll/src/watch.rs",
    "crates/bibelot-uring/src/drain.rs",
];

/// A source file past this length holds two ideas; a file of tests may hold many small ones.
const LINES_MAX: usize = 420;
const TEST_LINES_MAX: usize = 800;

/// What would make a simulated world incomplete if kernel or facade used it.
const WORLDLY: [&str; 14] = [
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::fs",
    "std::process::Command",
    "std::thread::spawn",
    "std::thread::sleep",
    "thread::spawn",
    "thread::Builder",
    "libc::",
    "rustix::",
    "socket2::",
    "fs::File",
    "SystemTime",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// All Rust files below `folder`, with their paths from the root.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Whether a file is a crate's own tests.
fn is_tests(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.ends_with("loom_tests.rs")
}

fn all_files() -> Vec<(String, String)> {
    ["crates", "tests", "examples"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .collect()
}

/// The code of a file without comments, line by line.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or(""))
}

/// The code of a file up to its own unit tests.
fn code_before_tests(text: &str) -> impl Iterator<Item = &str> {
    code(text)
        .take_while(|line| !line.starts_with("#[cfg(test)]") && !line.contains("cfg(all(test"))
}

#[test]
fn dependencies_point_down() {
    let floors: BTreeMap<&str, u8> = FLOORS.into_iter().collect();
    let mut faults = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(&floor) = floors.get(name.as_str()) else {
            faults.push(format!("{name} has no floor"));
            continue;
        };
        let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap();
        let mut section = "";
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line;
                continue;
            }
            if !section.ends_with("dependencies]") || section.contains("dev-dependencies") {
                continue;
            }
            let known = line.split(['.', ' ', '=']).next().unwrap_or("");
            let Some(&below) = floors.get(known) else {
                continue;
            };
            let is_stranger = STRANGERS.contains(&(name.as_str(), known));
            if below >= floor || is_stranger {
                faults.push(format!("{name} must not know {known}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_lowest_crates_depend_on_nothing() {
    for name in ["bibelot-task", "bibelot-sched", "bibelot-timer"] {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        let (_, after) = manifest.split_once("\n[dependencies]\n").unwrap();
        let own = after.lines().take_while(|line| !line.starts_with('['));
        for line in own.filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            assert!(line.contains("optional = true"), "{name} depends on {line}");
        }
    }
}

#[test]
fn unsafe_code_is_where_the_list_says() {
    let list = fs::read_to_string(root().join("docs/unsafe.md")).unwrap();
    let listed: BTreeSet<String> = list
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?
                .split_once('`')
                .map(|(file, _)| file.to_owned())
        })
        .collect();
    let marks = [
        "unsafe {",
        "unsafe fn",
        "unsafe impl",
        "unsafe trait",
        "unsafe extern",
    ];
    let found: BTreeSet<String> = all_files()
        .into_iter()
        .filter(|(name, _)| name != "tests/tidy.rs" && !name.starts_with("crates/bibelot-macros/"))
        .filter(|(_, text)| code(text).any(|line| marks.iter().any(|mark| line.contains(mark))))
        .map(|(name, _)| name)
        .collect();
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let idle: Vec<_> = listed.difference(&found).collect();
    assert!(unlisted.is_empty(), "not in docs/unsafe.md: {unlisted:#?}");
    assert!(
        idle.is_empty(),
        "in docs/unsafe.md without unsafe code: {idle:#?}"
    );
}

#[test]
fn every_file_says_what_it_is() {
    let bare: Vec<String> = all_files()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert!(bare.is_empty(), "without a header: {bare:#?}");
}

#[test]
fn files_hold_one_idea() {
    let large: Vec<(String, usize)> = all_files()
        .into_iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(name, lines)| {
            *lines
                > if name.contains("/src/") {
                    LINES_MAX
                } else {
                    TEST_LINES_MAX
                }
        })
        .collect();
    assert!(large.is_empty(), "look for the second idea in: {large:#?}");
}

#[test]
fn kernel_and_facade_touch_the_world_through_the_reactor_only() {
    let mut faults = Vec::new();
    for folder in [
        "crates/bibelot-kernel/src",
        "crates/bibelot/src",
        "crates/bibelot-sim/src",
    ] {
        for (name, text) in rust_files(folder) {
            if is_tests(&name) {
                continue;
            }
            for line in code_before_tests(&text) {
                for word in WORLDLY.iter().filter(|word| line.contains(**word)) {
                    faults.push(format!("{name}: {word} in {}", line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn only_the_clock_reads_the_clock() {
    let mut faults = Vec::new();
    let folders = [
        "task", "sched", "timer", "sync", "reactor", "sys", "uring", "poll", "kernel", "sim",
    ];
    let folders = folders.map(|name| format!("crates/bibelot-{name}/src"));
    for folder in folders
        .iter()
        .map(String::as_str)
        .chain(["crates/bibelot/src"])
    {
        for (name, text) in rust_files(folder) {
            let reads = code_before_tests(&text).any(|line| {
                line.contains("Instant::now")
                    || line.contains("SystemTime::now")
                    || line.contains("clock_gettime")
            });
            if reads && !CLOCK_READERS.contains(&name.as_str()) {
                faults.push(name);
            }
        }
    }
    assert!(faults.is_empty(), "they read the clock: {faults:#?}");
}

#[test]
fn no_type_of_a_foundation_is_in_a_public_signature() {
    let foundations = ["io_uring::", "polling::", "crossbeam_channel::", "rustix::"];
    let mut faults = Vec::new();
    for (name, text) in rust_files("crates") {
        if !name.contains("/src/") {
            continue;
        }
        for line in code(&text) {
            let is_public = line.trim_start().starts_with("pub ") && !line.contains("pub(");
            if is_public && foundations.iter().any(|word| line.contains(word)) {
                faults.push(format!("{name}: {}", line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
