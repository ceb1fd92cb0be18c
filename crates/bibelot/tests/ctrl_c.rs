//! Ctrl-C, in a process of its own.

use std::process::{self, Command};
use std::time::Duration;

use bibelot::{AsCancelled, ctrl_c, spawn, timeout_after};

fn press() {
    let kill = format!("kill -s INT {}", process::id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
}

#[bibelot::test(uring, poll)]
async fn everybody_who_waits_for_ctrl_c_hears_it() {
    let first = spawn(ctrl_c());
    let second = ctrl_c();
    press();
    first.await.unwrap().unwrap();
    second.await.unwrap();
    let mut third = ctrl_c();
    let waited = timeout_after(Duration::from_millis(5), &mut third).await;
    assert!(waited.unwrap_err().timed_out(), "it came before");
}

#[bibelot::test(sim)]
async fn a_simulated_world_has_nobody_to_press_it() {
    let error = ctrl_c().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
}
