//! The kernel under a loop that belongs to somebody else.

use std::task::Waker;
use std::thread;

use bibelot::{Backend, Kernel, spawn};

#[test]
fn a_foreign_loop_waits_on_the_kernels_descriptor() {
    for backend in [Backend::Uring, Backend::Poll] {
        let Ok(mut kernel) = Kernel::builder().backend(backend).build() else {
            eprintln!("skipped on {backend:?}");
            continue;
        };
        // A task that another thread wakes, and one that waits for a connection.
        let waker = std::sync::Arc::new(std::sync::Mutex::new(None::<Waker>));
        let left = waker.clone();
        let (woken, accepted, address) = kernel.block_on(async {
            let woken = spawn(std::future::poll_fn(move |context| {
                match left.lock().unwrap().replace(context.waker().clone()) {
                    Some(_) => std::task::Poll::Ready(()),
                    None => std::task::Poll::Pending,
                }
            }));
            let listener = bibelot::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let accepted = spawn(async move { listener.accept().await.is_ok() });
            (woken, accepted, address)
        });
        let mut fd = None;
        for _ in 0..5 {
            fd = kernel.turn().unwrap().fd;
        }
        let fd = fd.unwrap();
        assert!(!is_readable(fd, 20), "nothing has come");
        let foreign = waker.lock().unwrap().clone().unwrap();
        thread::spawn(move || foreign.wake()).join().unwrap();
        assert!(is_readable(fd, 5000), "a wake from another thread shows");
        for _ in 0..5 {
            kernel.turn().unwrap();
        }
        assert!(woken.is_finished());
        assert!(!is_readable(fd, 20), "it was taken");
        let _peer = std::net::TcpStream::connect(address).unwrap();
        assert!(is_readable(fd, 5000), "a connection shows");
        while !accepted.is_finished() {
            kernel.turn().unwrap();
        }
    }
}

/// Whether a descriptor is readable within so many milliseconds.
fn is_readable(fd: std::os::fd::RawFd, wait_ms: i32) -> bool {
    let mut watched = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one descriptor, in memory that lives through the call.
    unsafe { libc::poll(&raw mut watched, 1, wait_ms) == 1 }
}

#[bibelot::test(uring, poll)]
async fn a_descriptor_of_somebody_elses_is_waited_for() {
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use bibelot::{AsCancelled, timeout_after};
    use bibelot_kernel::io::{readable, writable};
    use bibelot_reactor::Fd;

    let (mut ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let fd = Fd::from(OwnedFd::from(ours.try_clone().unwrap()));
    writable(fd.clone()).await.unwrap();
    let early = timeout_after(Duration::from_millis(5), readable(fd.clone())).await;
    assert!(early.unwrap_err().timed_out(), "nothing is there");
    let waiting = spawn(readable(fd.clone()));
    bibelot::yield_now().await.unwrap();
    theirs.write_all(b"x").unwrap();
    waiting.await.unwrap().unwrap();
    let mut byte = [0];
    assert_eq!(ours.read(&mut byte).unwrap(), 1, "nobody has taken it");
}
