//! Signals, in a process of its own.

use std::process::{self, Command};
use std::time::Duration;

use bibelot::{AsCancelled, Signal, ctrl_c, shutdown_signal, spawn, terminate, timeout_after};

fn press() {
    send("INT");
}

fn send(signal: &str) {
    let kill = format!("kill -s {signal} {}", process::id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
}

#[bibelot::test(uring, poll)]
async fn everybody_who_waits_for_a_signal_hears_it() {
    let first = spawn(ctrl_c());
    let second = ctrl_c();
    press();
    first.await.unwrap().unwrap();
    second.await.unwrap();
    let mut third = ctrl_c();
    let waited = timeout_after(Duration::from_millis(5), &mut third).await;
    assert!(waited.unwrap_err().timed_out(), "it came before");
    drop(third);
    the_signals_that_ask_for_the_end_are_told_apart().await;
}

/// Signals are the whole process's: this is no test of its own, which would run beside the other.
async fn the_signals_that_ask_for_the_end_are_told_apart() {
    let any = shutdown_signal();
    let term = terminate();
    send("TERM");
    term.await.unwrap();
    assert_eq!(any.await.unwrap(), Signal::Terminate);
    let any = spawn(shutdown_signal());
    bibelot::yield_now().await.unwrap();
    send("HUP");
    assert_eq!(any.await.unwrap().unwrap(), Signal::HangUp);
    // Cut, it no longer listens, and leaves nothing.
    let cut = timeout_after(Duration::from_millis(1), shutdown_signal()).await;
    assert!(cut.unwrap_err().timed_out());
}

#[bibelot::test(sim)]
async fn a_simulated_world_has_nobody_to_press_it() {
    let error = ctrl_c().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    let error = shutdown_signal().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
}

#[test]
fn a_policy_for_ctrl_c_changes_nothing_in_a_simulated_world() {
    let world = bibelot_sim::Sim::calm();
    let builder = bibelot::Kernel::builder().backend(world);
    let mut kernel = builder
        .ctrl_c(bibelot::CtrlCPolicy::CancelMain)
        .build()
        .unwrap();
    assert_eq!(kernel.block_on(async { 7 }), 7);
    assert!(!kernel.ctrl_c_was_pressed());
    assert_eq!(kernel.live_tasks(), 0);
}
