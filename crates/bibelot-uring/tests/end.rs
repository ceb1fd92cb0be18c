//! The end of a reactor with operations in flight. One test, since it counts this process's descriptors.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use bibelot_reactor::{Buf, Fd, Interest, Job, Op, Outcome};
use bibelot_uring::{Abilities, PoolLimits, UringConfig, probe};
use common::{Desk, data, descriptors, fill, pair, worlds};

#[test]
fn everything_ends_and_is_freed() {
    warm_up();
    for hide in worlds() {
        eprintln!("without: {hide}");
        leaves_nothing(|| probing(hide));
        leaves_nothing(|| dropping_many_operations(hide, 10_000));
        leaves_nothing(|| dropping_what_has_arrived(hide));
        leaves_nothing(|| dropping_what_was_never_submitted(hide));
        leaves_nothing(|| writing_after_the_end(hide));
    }
    leaves_nothing(closing_with_a_job_that_stays);
    forgetting();
}

/// The first of everything makes what stays.
fn warm_up() {
    dropping_what_has_arrived(Abilities::NONE);
}

fn leaves_nothing(body: impl FnOnce()) {
    let before = descriptors();
    body();
    // Sockets of a closed ring may be let go of a moment later.
    for _ in 0..1000 {
        if descriptors() == before {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(descriptors(), before);
}

fn probing(hide: Abilities) {
    let config = UringConfig {
        hide,
        ..UringConfig::default()
    };
    let report = probe(&config).unwrap();
    assert!(hide.without(report.missing()).is_empty(), "{report}");
}

fn dropping_many_operations(hide: Abilities, count: usize) {
    let mut desk = Desk::hiding(hide);
    let (listener, _) = desk.listen();
    let pairs: Vec<_> = (0..50).map(|_| desk.pair()).collect();
    for number in 0..count {
        let (socket, _) = &pairs[number % pairs.len()];
        let socket = socket.clone();
        desk.submit(match number % 5 {
            0 => Op::Accept {
                listener: listener.clone(),
                many: true,
            },
            1 => Op::Receive { socket },
            2 => Op::ReceiveInto {
                socket,
                buf: Buf::with_capacity(100),
            },
            3 => Op::Send {
                socket,
                buf: data(&[5; 1000]),
            },
            _ => Op::Ready {
                fd: listener.clone(),
                interest: Interest::Readable,
            },
        });
    }
    desk.look();
    drop(listener);
    let (sockets, mut peers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    drop(sockets);
    let end = desk.uring.close();
    assert!(end.left.is_empty(), "{end:?}");
    for peer in &mut peers {
        // Each socket is closed, after what was sent.
        let mut rest = Vec::new();
        let _ = peer.read_to_end(&mut rest);
        assert!(rest.iter().all(|byte| *byte == 5));
    }
}

fn dropping_what_has_arrived(hide: Abilities) {
    let mut desk = Desk::hiding(hide);
    let (listener, address) = desk.listen();
    let (socket, mut peer) = desk.pair();
    desk.submit(Op::Accept {
        listener,
        many: true,
    });
    desk.submit(Op::Receive { socket });
    desk.look();
    let mut late: Vec<TcpStream> = (0..20)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    peer.write_all(b"too late").unwrap();
    desk.look();
    desk.ends
        .retain(|end| !matches!(end.result, Ok(Outcome::Accepted { .. })));
    drop(desk);
    for peer in &mut late {
        assert!(!matches!(peer.read(&mut [0; 1]), Ok(1..)));
    }
}

fn dropping_what_was_never_submitted(hide: Abilities) {
    let mut desk = Desk::hiding(hide);
    let (fd, mut peer) = desk.pair();
    let (socket, mut other) = desk.pair();
    desk.submit(Op::Close { fd });
    desk.submit(Op::Receive { socket });
    drop(desk);
    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(other.read(&mut [0; 1]).unwrap(), 0);
}

fn writing_after_the_end(hide: Abilities) {
    const LEN: usize = 5000;
    let config = UringConfig {
        receive_len: LEN,
        hide,
        ..UringConfig::default()
    };
    let mut desk = Desk::new(config);
    let pairs: Vec<_> = (0..20).map(|_| pair()).collect();
    let mut kept = Vec::new();
    for (place, (ours, _)) in pairs.iter().enumerate() {
        // The sockets live on.
        let socket = Fd::from(ours.try_clone().unwrap());
        kept.push(socket.clone());
        desk.submit(match place % 2 {
            0 => Op::Receive { socket },
            _ => Op::ReceiveInto {
                socket,
                buf: Buf::with_capacity(LEN),
            },
        });
    }
    desk.look();
    drop(desk);
    // What was freed is allocated again, and must stay as it is.
    let memory: Vec<Vec<u8>> = (0..200).map(|_| vec![0xA5; LEN]).collect();
    for (_, peer) in &pairs {
        (&*peer).write_all(&[1; LEN]).unwrap();
    }
    for (ours, _) in &pairs {
        // The bytes are still there for whoever reads next.
        let mut ours = TcpStream::from(ours.try_clone().unwrap());
        ours.read_exact(&mut [0; LEN]).unwrap();
    }
    assert!(memory.iter().flatten().all(|byte| *byte == 0xA5));
}

fn closing_with_a_job_that_stays() {
    let workers = PoolLimits {
        drain: Duration::from_millis(10),
        ..PoolLimits::default()
    };
    let mut desk = Desk::new(UringConfig {
        workers,
        ..UringConfig::default()
    });
    let (go, gone) = mpsc::channel::<()>();
    let (begun, began) = mpsc::channel();
    let token = desk.submit(Op::Job(Job::new(move || {
        begun.send(()).unwrap();
        let _ = gone.recv();
    })));
    began.recv().unwrap();
    let end = desk.uring.close();
    assert_eq!(end.workers.left_running, [token]);
    drop(go);
}

static FORGOTTEN: AtomicPtr<Desk> = AtomicPtr::new(ptr::null_mut());

fn forgetting() {
    let mut desk = Desk::hiding(Abilities::NONE);
    let (socket, mut peer) = desk.pair();
    let (other, mut other_peer) = desk.pair();
    let (full, mut full_peer) = desk.pair();
    desk.submit(Op::Receive { socket });
    desk.submit(Op::ReceiveInto {
        socket: other,
        buf: Buf::with_capacity(1 << 16),
    });
    fill(&mut desk, &full);
    desk.submit(Op::Send {
        socket: full,
        buf: data(&[1; 1 << 16]),
    });
    desk.look();
    // Like `mem::forget`, but where a leak checker sees that it is meant.
    FORGOTTEN.store(Box::into_raw(Box::new(desk)), Ordering::Relaxed);
    // The ring goes on and writes where nothing was freed.
    for _ in 0..10 {
        peer.write_all(&[3; 1 << 14]).unwrap();
        other_peer.write_all(&[3; 1 << 14]).unwrap();
        full_peer.read_exact(&mut [0; 1 << 14]).unwrap();
        drop(vec![0_u8; 1 << 16]);
    }
}
