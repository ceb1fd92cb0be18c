//! The ways into a worker process of programs with a `main` of their own. This is one: it has no test
//! harness, and runs itself again for each case.

#![forbid(unsafe_code)]

use std::env;
use std::fs::File;
use std::io::Read;
use std::process::{self, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use bibelot::process::{ProcessLimits, ProcessPool};
use bibelot::{ProcessError, process_fn, run_in_process};

/// Names the case that this process is.
const CASE: &str = "BIBELOT_TEST_CASE";

type Case = (&'static str, fn(), fn(&str));

/// Each case: its name, its `main`, and what is seen from outside, given its standard output.
const CASES: [Case; 8] = [
    (
        "a main that enters has workers, whose output is its own",
        entering,
        |out| {
            assert_eq!(out, "main\nfrom there: 42\n7\n");
        },
    ),
    ("the attribute enters by itself", attribute, |out| {
        assert_eq!(out, "main\nfrom there: 42\n");
    }),
    (
        "a main that forgets to enter starts nothing",
        forgetting,
        |out| {
            assert_eq!(out, "main\nNoEntry\n");
        },
    ),
    (
        "a worker that ends before it enters is an error with its status",
        ending,
        |out| {
            assert_eq!(out, "main\nNotEntered 9\n");
        },
    ),
    (
        "a worker that does not enter in time is ended",
        silent,
        |out| {
            assert_eq!(out, "main\nSilent\n");
        },
    ),
    (
        "a worker that says something else than hello is ended",
        talking,
        |out| {
            assert_eq!(out, "main\nBroken\n");
        },
    ),
    (
        "without descriptors no process is started, and later one is",
        starving,
        |out| {
            assert_eq!(out, "main\nEMFILE\n42\n");
        },
    ),
    ("the flag of workers by hand is an error", by_hand, |out| {
        assert_eq!(out, "main\nSome(2)\nno link to a parent\n");
    }),
];

fn main() {
    if let Ok(case) = env::var(CASE) {
        let (_, run, _) = CASES
            .iter()
            .find(|(name, ..)| *name == case)
            .expect("a case");
        return run();
    }
    for (name, _, check) in CASES {
        let output = again(name, &[]);
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{name}: {}\n{out}\n{err}",
            output.status
        );
        println!("{name}: {out:?}");
        check(&out);
    }
}

/// This program again, for one case, with so few descriptors that they can all be taken.
fn again(case: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("sh");
    let command = command
        .args(["-c", "ulimit -n 200; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(arguments)
        .env(CASE, case)
        .stdin(Stdio::null());
    command.output().unwrap()
}

fn is_worker() -> bool {
    env::args().any(|argument| argument.starts_with("--bibelot-process"))
}

#[process_fn]
fn answer(says: bool) -> u32 {
    if says {
        // Without a newline it would lie in a buffer.
        print!("from there: ");
    }
    42
}

#[process_fn]
fn length_of_input(from: Vec<u8>) -> usize {
    let mut read = Vec::new();
    std::io::stdin().read_to_end(&mut read).unwrap();
    read.len() + from.len()
}

fn entering() {
    bibelot::process::entry();
    println!("main");
    bibelot::run(async {
        println!("{}", run_in_process(answer, true).await.unwrap());
        println!(
            "{}",
            run_in_process(length_of_input, vec![1; 7]).await.unwrap()
        );
    });
}

fn attribute() {
    start();
}

#[bibelot::main]
async fn start() {
    println!("main");
    println!("{}", run_in_process(answer, true).await.unwrap());
}

fn forgetting() {
    println!("main");
    bibelot::run(async {
        let error = run_in_process(answer, false).await.unwrap_err();
        assert!(matches!(error, ProcessError::NoEntry), "{error:?}");
        println!("NoEntry");
    });
}

fn ending() {
    if is_worker() {
        process::exit(9);
    }
    bibelot::process::entry();
    println!("main");
    bibelot::run(async {
        match run_in_process(answer, false).await {
            Err(ProcessError::NotEntered(status)) => {
                println!("NotEntered {}", status.code().unwrap());
            }
            other => println!("{other:?}"),
        }
    });
}

fn silent() {
    if is_worker() {
        loop {
            thread::sleep(Duration::from_secs(3600));
        }
    }
    bibelot::process::entry();
    println!("main");
    bibelot::run(async {
        let pool = ProcessPool::new(ProcessLimits::new().start(Duration::from_millis(100)));
        match pool.run(answer, false).await {
            Err(ProcessError::Silent(_)) => println!("Silent"),
            other => println!("{other:?}"),
        }
        assert_eq!(pool.report().idle, 0);
        pool.close().await.unwrap();
    });
}

fn talking() {
    if is_worker() {
        // A program of its own says something over the link that it has inherited.
        let said = Command::new("sh")
            .args(["-c", "echo 'hello there' >&0"])
            .status();
        assert!(said.unwrap().success());
        thread::sleep(Duration::from_secs(3600));
    }
    bibelot::process::entry();
    println!("main");
    bibelot::run(async {
        match run_in_process(answer, false).await {
            Err(ProcessError::Broken(_) | ProcessError::TooLarge { .. }) => println!("Broken"),
            other => println!("{other:?}"),
        }
    });
}

fn starving() {
    bibelot::process::entry();
    println!("main");
    // A kernel first, and its thread, which need some themselves.
    bibelot::run(async {
        bibelot::run_in_thread(|| ()).await.unwrap();
        let mut taken = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            taken.push(file);
        }
        match run_in_process(answer, false).await {
            Err(ProcessError::NotStarted(error)) if error.raw_os_error() == Some(24) => {
                println!("EMFILE");
            }
            other => println!("{other:?}"),
        }
        drop(taken);
        println!("{}", run_in_process(answer, false).await.unwrap());
    });
}

fn by_hand() {
    bibelot::process::entry();
    println!("main");
    let case = env::var(CASE).unwrap();
    let output = again(&case, &["--bibelot-process-worker"]);
    println!("{:?}", output.status.code());
    assert!(output.stdout.is_empty(), "its main did not run");
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("no link to a parent"), "{err}");
    println!("no link to a parent");
}
