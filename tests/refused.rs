//! The suites again where io_uring is refused: each runs as a child under a seccomp filter.
//!
//! The children are the test programs that `cargo test` has built beside this one, so nothing is built
//! twice. What each refusal must come to is asked of a kernel in a child of its own.

#[path = "refused/filter.rs"]
mod filter;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::SystemTime;
use std::{env, fs};

use filter::Refusal;

/// In the environment of a child: what its kernel must say.
const ASK: &str = "BIBELOT_TEST_ASK";

const EVERY: [Refusal; 3] = [Refusal::Forbidden, Refusal::Unknown, Refusal::Unregistered];

/// The newest test program of this name beside this one.
fn sibling(name: &str) -> PathBuf {
    let own = env::current_exe().unwrap();
    let folder = own.parent().unwrap();
    let prefix = format!("{name}-");
    let programs = fs::read_dir(folder).unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        let file = path.file_name()?.to_str()?.to_owned();
        let made = fs::metadata(&path).ok()?.modified().ok()?;
        (file.starts_with(&prefix) && path.extension().is_none()).then_some((made, path))
    });
    let newest: Option<(SystemTime, PathBuf)> = programs.max();
    let hint = "build it first: cargo test -p bibelot-tests --no-run";
    newest
        .unwrap_or_else(|| panic!("no test program {name}; {hint}"))
        .1
}

/// Runs a test program under a refusal, and shows what it said if it failed.
fn run(name: &str, refusal: Option<Refusal>, variables: &[(&str, &str)]) {
    let mut command = Command::new(sibling(name));
    command
        .args(["--test-threads", "2"])
        .stdin(Stdio::null())
        .env_remove("BIBELOT_EXPECT");
    for (variable, value) in variables {
        command.env(variable, value);
    }
    if let Some(refusal) = refusal {
        filter::refuse(&mut command, refusal);
    }
    let output = command.output().unwrap();
    let (said, failed) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{name} under {refusal:?} {variables:?}: {said}\n{failed}"
    );
    assert!(!said.contains("running 0 tests"), "{name} has no tests");
}

#[test]
fn the_kernel_suite_passes_where_the_ring_is_refused() {
    for refusal in EVERY {
        run("kernel", Some(refusal), &[]);
    }
}

#[test]
fn the_conformance_suite_passes_where_the_ring_is_refused() {
    for refusal in EVERY {
        run("conformance", Some(refusal), &[]);
    }
}

#[test]
fn the_lossless_suite_passes_where_the_ring_is_refused() {
    run("lossless", Some(Refusal::Forbidden), &[]);
    run("lossless", Some(Refusal::Unregistered), &[]);
}

#[test]
fn the_suites_pass_on_a_ring_that_has_only_what_the_first_had() {
    for name in ["kernel", "lossless"] {
        run(name, None, &[("BIBELOT_URING_HIDE", "all")]);
    }
}

/// Runs one test of this program as a child, with a question.
fn ask(question: &str, refusal: Option<Refusal>) {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "a_child_answers", "--nocapture"])
        .env(ASK, question);
    if let Some(refusal) = refusal {
        filter::refuse(&mut command, refusal);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{question} under {refusal:?}: {said}"
    );
}

/// Not a test of its own: without a question it has nothing to say.
#[test]
fn a_child_answers() {
    let Ok(question) = env::var(ASK) else { return };
    match question.as_str() {
        "forbidden" | "unknown" => {
            let kernel = bibelot::Kernel::new().unwrap();
            assert_eq!(kernel.backend().name, "poll");
            let reason = &kernel.backend().reason;
            let word = if question == "forbidden" {
                "forbidden"
            } else {
                "unknown"
            };
            assert!(reason.contains(word), "{reason}");
            drop(kernel);
            let named = bibelot::Kernel::builder().backend(bibelot::Backend::Uring);
            let error = named.build().unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
        "unregistered" => {
            let kernel = bibelot::Kernel::new().unwrap();
            assert!(!kernel.backend().reason.is_empty());
        }
        other => panic!("unknown question {other}"),
    }
}

#[test]
fn the_backend_says_why_it_is_not_the_ring() {
    ask("forbidden", Some(Refusal::Forbidden));
    ask("unknown", Some(Refusal::Unknown));
    ask("unregistered", Some(Refusal::Unregistered));
}
