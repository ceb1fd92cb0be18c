//! Processes that break the rules, kernels that end in a hurry, values that do not travel.

#![allow(
    unsafe_code,
    reason = "a function that breaks the rules gets at the link behind the back of the crate"
)]

use std::fs;
use std::future::poll_fn;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::process::{self, Command};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use bibelot::process::{ProcessLimits, ProcessPool};
use bibelot::{
    Backend, Kernel, ProcessError, process_fn, run_in_process, shield, sleep, spawn, testing,
    yield_now,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

bibelot::process::test_entry!();

fn everywhere<F: Future<Output = bibelot::Result<()>>>(make: impl Fn() -> F) {
    testing::on_uring(async || make().await.unwrap());
    testing::on_poll(async || make().await.unwrap());
}

fn exists(id: u32) -> bool {
    fs::exists(format!("/proc/{id}")).unwrap()
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context))).await
}

async fn gone(id: u32) {
    while exists(id) {
        sleep(Duration::from_millis(2)).await.unwrap();
    }
}

/// The worker's end of the link: the only socket past the standard descriptors.
fn link() -> UnixStream {
    let is_socket = |fd: &RawFd| {
        fs::read_link(format!("/proc/self/fd/{fd}"))
            .is_ok_and(|to| to.to_str().unwrap().starts_with("socket:"))
    };
    let fd = (3..100).find(is_socket).expect("there is a link");
    // SAFETY: it is open, and this process ends before its owner closes it.
    UnixStream::from(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[process_fn]
fn pid() -> u32 {
    process::id()
}

/// Writes these bytes in place of an answer, and ends if it is told to.
#[process_fn]
fn says(bytes: Vec<u8>, ends: bool) {
    link().write_all(&bytes).unwrap();
    if ends {
        process::abort();
    }
    loop {
        thread::park();
    }
}

#[test]
fn half_an_answer_of_a_process_that_dies_is_none() {
    everywhere(async || {
        // A value of 100 bytes, of which three come.
        let half = vec![101, 0, 0, 0, 3, 1, 2, 3];
        let error = run_in_process(says, (half, true)).await.unwrap_err();
        assert!(matches!(error, ProcessError::Died(_)), "{error:?}");
        run_in_process(pid, ()).await?;
        Ok(())
    });
}

#[test]
fn an_answer_that_was_whole_counts_although_the_process_died() {
    everywhere(async || {
        // A value of no bytes, which is what `()` is.
        run_in_process(says, (vec![1, 0, 0, 0, 3], true)).await?;
        Ok(())
    });
}

#[test]
fn what_is_no_answer_ends_the_process() {
    everywhere(async || {
        for bytes in [
            vec![1, 0, 0, 0, 77],
            vec![0, 0, 0, 0, 3],
            vec![1, 0, 0, 0, 1],
            vec![255, 255, 255, 255, 3],
        ] {
            let error = run_in_process(says, (bytes.clone(), false))
                .await
                .unwrap_err();
            assert!(
                matches!(
                    error,
                    ProcessError::Broken(_) | ProcessError::TooLarge { .. }
                ),
                "{bytes:?}: {error:?}"
            );
        }
        // A value of another shape: two bytes where none should be.
        let error = run_in_process(says, (vec![3, 0, 0, 0, 3, 9, 9], false)).await;
        assert!(
            matches!(error, Err(ProcessError::Unfit { .. })),
            "{error:?}"
        );
        Ok(())
    });
}

/// Dies, and leaves a process that holds its end of the link open.
#[process_fn]
fn leaves_a_holder(sign: String) {
    let link = link();
    // SAFETY: it makes a descriptor of its own, which is inherited by the process started next.
    let held = unsafe { libc::dup(link.as_raw_fd()) };
    assert!(held > 0);
    let holder = Command::new("sleep").arg("60").spawn().unwrap();
    fs::write(sign, holder.id().to_string()).unwrap();
    process::abort();
}

#[test]
fn a_death_is_seen_although_somebody_else_holds_the_link() {
    everywhere(async || {
        let sign = std::env::temp_dir().join(format!("bibelot-holder-{}", process::id()));
        let path = sign.to_str().unwrap().to_owned();
        let error = run_in_process(leaves_a_holder, path).await.unwrap_err();
        assert!(matches!(error, ProcessError::Died(_)), "{error:?}");
        let holder = fs::read_to_string(&sign).unwrap();
        let killed = Command::new("kill").args(["-s", "KILL", &holder]).status();
        assert!(killed.unwrap().success());
        fs::remove_file(&sign).unwrap();
        Ok(())
    });
}

/// Goes on for ever; the file holds its number.
#[process_fn]
fn hangs(sign: String) {
    fs::write(sign, process::id().to_string()).unwrap();
    loop {
        thread::park();
    }
}

struct Sign(std::path::PathBuf);

impl Sign {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("bibelot-{name}-{}", process::id())))
    }

    fn path(&self) -> String {
        self.0.to_str().unwrap().to_owned()
    }

    async fn appears(&self) -> u32 {
        loop {
            match fs::read_to_string(&self.0) {
                Ok(text) if !text.is_empty() => return text.parse().unwrap(),
                _ => drop(sleep(Duration::from_millis(2)).await.unwrap()),
            }
        }
    }
}

impl Drop for Sign {
    fn drop(&mut self) {
        let _none_left = fs::remove_file(&self.0);
    }
}

#[test]
fn a_kernel_without_any_grace_leaves_no_process_either() {
    for backend in [Backend::Uring, Backend::Poll] {
        let builder = Kernel::builder().backend(backend).grace(Duration::ZERO);
        let Ok(mut kernel) = builder.build() else {
            continue;
        };
        let sign = Sign::new("hurry");
        let busy = kernel.block_on(async {
            spawn(run_in_process(hangs, sign.path())).detach();
            sign.appears().await
        });
        drop(kernel);
        while exists(busy) {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

#[test]
fn a_kernel_that_unwinds_leaves_no_process_either() {
    let (tell, told) = mpsc::channel();
    let unwound = thread::spawn(move || {
        bibelot::run(async {
            tell.send(run_in_process(pid, ()).await.unwrap()).unwrap();
            std::panic::resume_unwind(Box::new("on purpose"));
        })
    });
    assert!(unwound.join().is_err());
    let id = told.recv().unwrap();
    while exists(id) {
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn calls_that_are_dropped_before_and_after_their_first_poll_leave_nothing() {
    everywhere(async || {
        let pool = ProcessPool::new(ProcessLimits::new().processes_max(2));
        drop(pool.run(pid, ()));
        for round in 0..20 {
            let mut call = Box::pin(pool.run(pid, ()));
            for _ in 0..round {
                let polled = poll_once(&mut call).await;
                if polled.is_ready() {
                    break;
                }
                yield_now().await?;
            }
            // The last of these may have ended; a trap that has is not polled again.
            drop(call);
        }
        let id = pool.run(pid, ()).await?;
        assert!(exists(id));
        assert!(pool.report().processes <= 2);
        pool.close().await?;
        gone(id).await;
        Ok(())
    });
}

#[test]
fn a_call_may_be_dropped_on_another_thread() {
    everywhere(async || {
        let sign = Sign::new("elsewhere");
        let mut call = Box::pin(run_in_process(hangs, sign.path()));
        assert!(poll_once(&mut call).await.is_pending());
        let id = sign.appears().await;
        thread::spawn(move || drop(call)).join().unwrap();
        gone(id).await;
        Ok(())
    });
}

#[test]
fn a_pool_of_another_kernel_says_so() {
    let pool = ProcessPool::new(ProcessLimits::new());
    let mut here = Kernel::new().unwrap();
    here.block_on(pool.run(pid, ())).unwrap();
    let there = pool.clone();
    let error = thread::spawn(move || bibelot::run(there.run(pid, ())).unwrap_err());
    assert!(matches!(error.join().unwrap(), ProcessError::WrongKernel));
    drop(here);
    // Its kernel is gone, so another one may have it.
    bibelot::run(pool.run(pid, ())).unwrap();
}

#[test]
fn clean_up_may_call_while_the_kernel_ends() {
    let mut kernel = Kernel::new().unwrap();
    let (tell, told) = mpsc::channel();
    kernel.block_on(async move {
        run_in_process(pid, ()).await.unwrap();
        spawn(async move {
            let _cut = sleep(Duration::from_secs(3600)).await;
            // Whatever comes of it, it comes.
            tell.send(shield(run_in_process(pid, ())).await).unwrap();
        })
        .detach();
        yield_now().await.unwrap();
    });
    let report = kernel.shutdown();
    assert!(report.aborted.is_empty(), "{report:?}");
    let ended = told.recv().unwrap();
    assert!(
        matches!(ended, Err(ProcessError::Closed) | Ok(_)),
        "{ended:?}"
    );
}

/// Travels one way only, or not at all.
#[derive(Debug)]
struct Stubborn {
    goes: bool,
}

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.goes {
            true => serializer.serialize_u8(7),
            false => Err(serde::ser::Error::custom("it stays")),
        }
    }
}

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer)?;
        Err(serde::de::Error::custom("it does not arrive"))
    }
}

#[process_fn]
fn takes(_stubborn: Stubborn) {}

#[process_fn]
fn gives(goes: bool) -> Stubborn {
    Stubborn { goes }
}

#[test]
fn what_does_not_travel_is_an_error_that_says_what() {
    everywhere(async || {
        let what = |error: ProcessError| match error {
            ProcessError::Unfit { what, .. } => what,
            other => panic!("{other:?}"),
        };
        for goes in [false, true] {
            let error = run_in_process(takes, Stubborn { goes }).await.unwrap_err();
            assert_eq!(what(error), "the arguments");
            let error = run_in_process(gives, goes).await.unwrap_err();
            assert_eq!(what(error), "the value");
        }
        Ok(())
    });
}

#[process_fn]
fn panics_oddly(how: u8) {
    match how {
        0 => std::panic::panic_any(7_u8),
        1 => std::panic::resume_unwind(Box::new("unheard")),
        _ => thread::spawn(|| panic!("in a thread")).join().unwrap(),
    }
}

#[test]
fn a_panic_of_any_kind_is_told_and_survived() {
    everywhere(async || {
        let id = run_in_process(pid, ()).await?;
        for (how, message) in [(0, "no message"), (1, "unheard"), (2, "Any")] {
            let error = run_in_process(panics_oddly, how).await.unwrap_err();
            let ProcessError::Panicked(panic) = error else {
                panic!("{error:?}");
            };
            assert!(panic.message().contains(message), "{panic}");
        }
        assert_eq!(run_in_process(pid, ()).await?, id);
        Ok(())
    });
}

#[test]
fn a_call_that_comes_while_the_only_process_is_let_go_of_is_carried_to_a_new_one() {
    everywhere(async || {
        // Nothing is idle for longer than a turn, so nearly each call finds the process on its way out.
        let limits = ProcessLimits::new().processes_max(1).idle(Duration::ZERO);
        let pool = ProcessPool::new(limits);
        for n in 0..10 {
            pool.run(pid, ()).await?;
            if n % 2 == 0 {
                sleep(Duration::from_micros(100)).await?;
            }
        }
        pool.close().await?;
        Ok(())
    });
}

#[process_fn]
fn panics() -> u8 {
    panic!("on purpose")
}

#[process_fn]
fn panics_at_length() -> u8 {
    panic!("{}", "é".repeat(2 << 20))
}

#[test]
fn a_panic_with_much_to_say_is_cut_and_told() {
    everywhere(async || {
        let pool = ProcessPool::new(ProcessLimits::new().processes_max(1));
        let first = pool.run(pid, ()).await?;
        let error = pool.run(panics_at_length, ()).await.unwrap_err();
        let ProcessError::Panicked(panic) = error else {
            panic!("{error:?}");
        };
        assert!(panic.message().starts_with("éé") && panic.message().ends_with("é .."));
        assert_eq!(pool.run(pid, ()).await?, first, "its process lives on");
        pool.close().await?;
        Ok(())
    });
}

#[test]
fn a_panic_is_told_however_small_values_have_to_be() {
    everywhere(async || {
        let pool = ProcessPool::new(ProcessLimits::new().processes_max(1).frame_max(16));
        let first = pool.run(pid, ()).await?;
        let error = pool.run(panics, ()).await.unwrap_err();
        let ProcessError::Panicked(panic) = error else {
            panic!("{error:?}");
        };
        assert_eq!(panic.message(), "on purpose");
        assert_eq!(pool.run(pid, ()).await?, first, "its process lives on");
        pool.close().await?;
        Ok(())
    });
}
