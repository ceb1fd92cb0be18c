//! Programs under `#[bibelot::main]`, each in a process of its own: this binary again, with one test by name.

use std::env;
use std::fs;
use std::future::pending;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use bibelot::{AsCancelled, Cancelled, Cause, ctrl_c, exit, shield, sleep, spawn};

const VARIABLE: &str = "BIBELOT_ENTRY_CHILD";
const HOUR: Duration = Duration::from_secs(3600);

/// A program under test, which runs.
struct Program {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

/// How it ended, and what it said on the standard error.
struct Ended {
    status: ExitStatus,
    said: String,
}

/// Starts the process in which the test `name` is the program; `None` in that process.
fn start(name: &str, variables: &[(&str, &str)]) -> Option<Program> {
    if env::var_os(VARIABLE).is_some_and(|child| child == name) {
        return None;
    }
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, name)
        .env("RUST_BACKTRACE", "0")
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    Some(Program { child, out })
}

impl Program {
    /// Waits until the program says this word.
    fn expect(&mut self, word: &str) {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            let count = self.out.read_line(&mut line).unwrap();
            assert!(count > 0, "it ended without saying {word:?}");
        }
    }

    fn press(&self) {
        let kill = format!("kill -s INT {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.unwrap().success());
    }

    fn end(mut self) -> Ended {
        let mut said = String::new();
        let mut error = self.child.stderr.take().unwrap();
        error.read_to_string(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        Ended { status, said }
    }
}

#[bibelot::main]
async fn cleans_up() -> bibelot::Result<()> {
    println!("ready");
    let cut = sleep(HOUR).await.unwrap_err();
    assert!(matches!(cut.cause(), Cause::CtrlC), "{cut}");
    sleep(Duration::from_millis(1)).await?;
    println!("cleaned up");
    Err(cut.into())
}

#[test]
fn ctrl_c_asks_main_to_stop_and_the_status_is_130() {
    let Some(mut program) = start("ctrl_c_asks_main_to_stop_and_the_status_is_130", &[]) else {
        return cleans_up().unwrap();
    };
    program.expect("ready");
    program.press();
    program.expect("cleaned up");
    let ended = program.end();
    assert_eq!(ended.status.code(), Some(130), "{}", ended.said);
    assert!(!ended.said.contains("rror"), "{}", ended.said);
}

#[bibelot::main(backend = "poll")]
async fn decides() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    println!("ready");
    match sleep(HOUR).await {
        Err(cut) if env::var_os("BIBELOT_ENTRY_FAILS").is_none() => {
            println!("{}", cut.cause());
            Ok(())
        }
        _ => Err("the disk is full".into()),
    }
}

#[test]
fn a_main_that_returns_ok_after_ctrl_c_has_its_way() {
    let Some(mut program) = start("a_main_that_returns_ok_after_ctrl_c_has_its_way", &[]) else {
        return decides().unwrap();
    };
    program.expect("ready");
    program.press();
    program.expect("Ctrl-C was pressed");
    assert_eq!(program.end().status.code(), Some(0));
}

#[test]
fn a_main_that_fails_after_ctrl_c_says_why() {
    let variables = [("BIBELOT_ENTRY_FAILS", "1")];
    let Some(mut program) = start("a_main_that_fails_after_ctrl_c_says_why", &variables) else {
        return decides().unwrap();
    };
    program.expect("ready");
    program.press();
    let ended = program.end();
    assert_eq!(ended.status.code(), Some(130));
    assert!(
        ended.said.contains("Error: \"the disk is full\""),
        "{}",
        ended.said
    );
}

#[bibelot::main]
async fn is_stuck() {
    println!("ready");
    let _cut = sleep(HOUR).await;
    println!("stuck");
    loop {
        std::hint::spin_loop();
    }
}

#[test]
fn a_second_ctrl_c_ends_the_process_also_when_the_kernel_is_stuck() {
    let name = "a_second_ctrl_c_ends_the_process_also_when_the_kernel_is_stuck";
    let Some(mut program) = start(name, &[]) else {
        return is_stuck();
    };
    program.expect("ready");
    program.press();
    program.expect("stuck");
    program.press();
    assert_eq!(program.end().status.code(), Some(130));
}

#[bibelot::main]
async fn listens() -> bibelot::Result<()> {
    let mut pressed = ctrl_c();
    println!("ready");
    for _ in 0..3 {
        pressed.await?;
        // The next one listens before this one does not any more.
        pressed = ctrl_c();
        println!("heard");
    }
    // Nobody presses it now, and nobody was asked to stop.
    sleep(Duration::from_millis(1)).await?;
    Ok(())
}

#[test]
fn a_main_that_listens_for_ctrl_c_keeps_control() {
    let Some(mut program) = start("a_main_that_listens_for_ctrl_c_keeps_control", &[]) else {
        return listens().unwrap();
    };
    program.expect("ready");
    for _ in 0..3 {
        program.press();
        program.expect("heard");
    }
    let ended = program.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
}

#[bibelot::main]
async fn is_deaf() {
    println!("ready");
    pending::<()>().await;
}

#[test]
fn a_main_that_cannot_hear_is_dropped_at_ctrl_c() {
    let Some(mut program) = start("a_main_that_cannot_hear_is_dropped_at_ctrl_c", &[]) else {
        return is_deaf();
    };
    program.expect("ready");
    program.press();
    assert_eq!(program.end().status.code(), Some(130));
}

#[bibelot::main]
async fn ends_slowly() {
    spawn(async {
        let _asked = sleep(HOUR).await;
        println!("ready");
        let _ = shield(sleep(HOUR)).await;
    })
    .detach();
    bibelot::yield_now().await.unwrap();
}

#[test]
fn ctrl_c_during_the_shutdown_ends_the_process() {
    let Some(mut program) = start("ctrl_c_during_the_shutdown_ends_the_process", &[]) else {
        return ends_slowly();
    };
    program.expect("ready");
    program.press();
    assert_eq!(program.end().status.code(), Some(130));
}

#[bibelot::main(ctrl_c = "leave")]
async fn leaves_it() -> io::Result<()> {
    let status = fs::read_to_string("/proc/self/status")?;
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
    assert_eq!(caught & 0b10, 0, "nobody handles it");
    Ok(())
}

#[test]
fn a_main_may_leave_ctrl_c_to_the_system() {
    let Some(program) = start("a_main_may_leave_ctrl_c_to_the_system", &[]) else {
        bibelot::run(async { leaves_it_alone() });
        return leaves_it().unwrap();
    };
    let ended = program.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
}

/// A plain run leaves it alone, too.
fn leaves_it_alone() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    assert!(status.lines().any(|line| line.starts_with("SigCgt:")));
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
    assert_eq!(caught & 0b10, 0);
}

#[bibelot::main]
async fn exits() -> Result<(), Cancelled> {
    spawn(async {
        let _asked = sleep(HOUR).await;
        println!("cleaned up");
    })
    .detach();
    spawn(async { exit(3) }).detach();
    sleep(HOUR).await.map(drop)
}

#[test]
fn an_exit_is_the_status_of_the_process() {
    let Some(mut program) = start("an_exit_is_the_status_of_the_process", &[]) else {
        return exits().unwrap();
    };
    program.expect("cleaned up");
    let ended = program.end();
    assert_eq!(ended.status.code(), Some(3), "{}", ended.said);
    assert!(!ended.said.contains("rror"), "{}", ended.said);
}

#[bibelot::main(timeout = "20ms", grace = "10ms")]
async fn takes_long() {
    loop {
        let _ = sleep(HOUR).await;
    }
}

#[test]
fn a_program_whose_time_is_up_ends_with_status_124() {
    let Some(program) = start("a_program_whose_time_is_up_ends_with_status_124", &[]) else {
        return takes_long();
    };
    let ended = program.end();
    assert_eq!(ended.status.code(), Some(124), "{}", ended.said);
    assert!(
        ended.said.contains("did not end within 20ms"),
        "{}",
        ended.said
    );
}

#[bibelot::main(on_panic = "shutdown")]
async fn panics() {
    spawn(async { panic!("on purpose") }).detach();
    assert!(!sleep(HOUR).await.unwrap_err().timed_out());
}

#[bibelot::main(on_panic = "abort")]
async fn aborts() {
    spawn(async { panic!("on purpose") }).detach();
    let _ = sleep(HOUR).await;
}

#[test]
fn a_panic_of_a_task_ends_the_program_where_main_says_so() {
    let Some(program) = start("a_panic_of_a_task_ends_the_program_where_main_says_so", &[]) else {
        return panics();
    };
    let ended = program.end();
    assert_eq!(ended.status.code(), Some(101), "{}", ended.said);
}

#[test]
fn a_panic_of_a_task_aborts_the_process_where_main_says_so() {
    let Some(program) = start(
        "a_panic_of_a_task_aborts_the_process_where_main_says_so",
        &[],
    ) else {
        return aborts();
    };
    let ended = program.end();
    assert_eq!(ended.status.signal(), Some(6), "{}", ended.said);
    assert!(ended.said.contains("on purpose"), "{}", ended.said);
}

#[bibelot::main(worker_threads_max = 2, worker_idle = "1s")]
async fn has_no_backend() {}

#[test]
fn a_program_without_a_backend_ends_with_the_reason() {
    let variables = [("BIBELOT_REACTOR", "abacus")];
    let Some(program) = start(
        "a_program_without_a_backend_ends_with_the_reason",
        &variables,
    ) else {
        return has_no_backend();
    };
    let ended = program.end();
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.said.contains("error: no kernel can be had"),
        "{}",
        ended.said
    );
    assert!(ended.said.contains("abacus"), "{}", ended.said);
}
