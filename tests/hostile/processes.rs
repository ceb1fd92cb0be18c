//! Forks and limits, each in a process of its own: this binary again, with one test by name.

#![allow(unsafe_code, reason = "a fork is a system call of its own")]

use std::env;
use std::io;
use std::process::Command;
use std::time::Duration;

use bibelot::{Backend, Kernel, TcpListener, TcpStream, join, sleep, spawn, timeout_after};

use crate::run::{on_each_os, watched};

const VARIABLE: &str = "BIBELOT_HOSTILE_CHILD";

/// Whether this is the process that a test of that name started; starts it if it is not, and checks it.
pub fn is_child(test: &str) -> bool {
    if env::var_os(VARIABLE).is_some_and(|name| name == test) {
        return true;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, test)
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    assert!(out.contains("1 passed"), "{out}");
    false
}

#[test]
fn an_accept_without_descriptors_goes_on_when_there_are_some() {
    if !is_child("processes::an_accept_without_descriptors_goes_on_when_there_are_some") {
        return;
    }
    on_each_os(|builder| {
        builder
            .run(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let mut callers = Vec::new();
                for _ in 0..4 {
                    callers.push(std::net::TcpStream::connect(address).unwrap());
                }
                // Every descriptor that may be had is taken.
                let old = limit_descriptors(64);
                let mut taken = Vec::new();
                while let Ok(file) = std::fs::File::open("/dev/null") {
                    taken.push(file);
                }
                let early = timeout_after(Duration::from_millis(200), listener.accept()).await;
                assert!(early.is_err(), "there is no descriptor for it");
                let (accepted, ()) = join((
                    async {
                        let mut accepted = Vec::new();
                        for _ in 0..4 {
                            accepted.push(listener.accept().await.unwrap());
                        }
                        accepted
                    },
                    async {
                        sleep(Duration::from_millis(100)).await.unwrap();
                        drop(taken);
                    },
                ))
                .await;
                assert_eq!(accepted.len(), 4, "none was lost");
                limit_descriptors(old);
            })
            .unwrap();
    });
}

#[test]
fn a_kernel_without_descriptors_is_an_error_with_its_reason() {
    if !is_child("processes::a_kernel_without_descriptors_is_an_error_with_its_reason") {
        return;
    }
    watched("any", || {
        let old = limit_descriptors(48);
        let mut taken = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            taken.push(file);
        }
        for backend in [Backend::Auto, Backend::Uring, Backend::Poll] {
            let error = Kernel::builder().backend(backend).build().unwrap_err();
            assert!(!error.to_string().is_empty());
        }
        drop(taken);
        let mut kernel = Kernel::new().unwrap();
        // A connect and a bind without descriptors fail, and the kernel goes on.
        let mut taken = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            taken.push(file);
        }
        kernel.block_on(async {
            let error = TcpStream::connect("127.0.0.1:9").await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
            let error = TcpListener::bind("127.0.0.1:0").await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
            sleep(Duration::from_millis(1)).await.unwrap();
        });
        drop(taken);
        kernel.block_on(async {
            TcpListener::bind("127.0.0.1:0").await.unwrap();
        });
        limit_descriptors(old);
    });
}

/// Limits the descriptors of this process; gives the limit before.
fn limit_descriptors(count: u64) -> u64 {
    let old = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let new = rustix::process::Rlimit {
        current: Some(count),
        ..old
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, new).unwrap();
    old.current.unwrap_or(u64::MAX)
}

#[test]
fn a_child_may_end_with_its_parents_kernel_and_the_parent_goes_on() {
    if !is_child("processes::a_child_may_end_with_its_parents_kernel_and_the_parent_goes_on") {
        return;
    }
    on_each_os(|builder| {
        let mut kernel = builder.build().unwrap();
        let (listener, address) = kernel.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            spawn(sleep(Duration::from_secs(3600))).detach();
            (listener, address)
        });
        let accepting = spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let line = stream.next_line().await?;
            io::Result::Ok(line)
        });
        kernel.block_on(sleep(Duration::from_millis(1))).unwrap();
        for _ in 0..10 {
            let status = in_a_fork();
            assert_eq!(status, 7, "the child ended by its own will");
        }
        kernel.block_on(async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write(b"here\n").await.unwrap();
            let line = accepting.await.unwrap().unwrap();
            assert_eq!(line.unwrap(), b"here\n");
        });
        assert!(kernel.shutdown().is_clean());
    });
}

/// Forks a child that ends at once without dropping anything; its exit status.
fn in_a_fork() -> i32 {
    // SAFETY: the child makes one system call, and neither allocates nor locks.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", io::Error::last_os_error());
    if child == 0 {
        // SAFETY: it ends the child.
        unsafe { libc::_exit(7) };
    }
    let mut status = 0;
    // SAFETY: the child is ours, and the status is ours to write to.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    libc::WEXITSTATUS(status)
}
