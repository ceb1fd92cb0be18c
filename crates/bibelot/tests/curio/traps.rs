//! TRP: what the facade stands on.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::Write;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;

use bibelot::{
    AsCancelled, TcpListener, TcpStream, WaitReason, cancellable, join, shield, sleep, spawn,
    timeout_after, yield_now,
};
use bibelot_kernel::io::operate;
use bibelot_kernel::{Leave, Op, Park, Trap};
use bibelot_reactor::{Buf, Fd, Outcome};
use bibelot_sync::{Ticket, WaitQueue};

use crate::{LONG, exactly, ms, now};

#[bibelot::test(uring, poll, sim)]
async fn who_waits_for_a_socket_is_seen_from_outside() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepts = spawn(async move { listener.accept().await.unwrap() });
    while accepts.info().unwrap().wait().is_none() {
        yield_now().await.unwrap();
    }
    let info = accepts.info().unwrap();
    assert_eq!(info.wait(), Some(WaitReason::Accept));
    assert!(info.site.unwrap().file().ends_with("curio/traps.rs"));
    let mut caller = TcpStream::connect(address).await.unwrap();
    let (mut called, _) = accepts.await.unwrap();
    let reads = spawn(async move { called.read(&mut [0; 8]).await.unwrap() });
    while reads.info().unwrap().wait().is_none() {
        yield_now().await.unwrap();
    }
    assert_eq!(reads.info().unwrap().wait(), Some(WaitReason::Read));
    caller.write(b"over").await.unwrap();
    assert!((1..=4).contains(&reads.await.unwrap()));
}

#[bibelot::test(uring, poll)]
async fn a_foreign_future_is_waited_for_and_cannot_fire_too_early() {
    for _ in 0..50 {
        let (start, started) = mpsc::channel::<Waker>();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let waker = started.recv().unwrap();
            tell.send(7).unwrap();
            waker.wake();
        });
        let mut start = Some(start);
        let value = poll_fn(|context| {
            // What may end it begins only now, with the waker in its hands.
            if let Some(start) = start.take() {
                start.send(context.waker().clone()).unwrap();
            }
            match told.try_recv() {
                Ok(value) => Poll::Ready(value),
                Err(_) => Poll::Pending,
            }
        });
        assert_eq!(cancellable(value).await.unwrap(), 7);
        thread.join().unwrap();
    }
}

/// A gate that lets one through at a time: all that a new blocking operation has to say.
#[derive(Default)]
struct Gate(RefCell<WaitQueue>);

struct Pass {
    gate: Rc<Gate>,
    ticket: Option<Ticket>,
}

impl Gate {
    fn pass(self: &Rc<Self>) -> Trap<Pass> {
        Trap::new(Pass {
            gate: self.clone(),
            ticket: None,
        })
    }

    fn open_once(&self) -> bool {
        let granted = self.0.borrow_mut().grant().map(|(_, waker)| waker);
        granted.map(Waker::wake).is_some()
    }
}

impl Op for Pass {
    type Out = ();

    fn take(&mut self) -> Option<()> {
        let is_granted = |ticket: &Ticket| self.gate.0.borrow().is_granted(ticket);
        self.ticket.as_ref().is_some_and(is_granted).then(|| {
            let left = self.gate.0.borrow_mut().leave(self.ticket.take().unwrap());
            drop(left);
        })
    }

    fn park(&mut self, waker: &Waker) -> Park<()> {
        let waker = waker.clone();
        if let Some(ticket) = self.ticket.take() {
            drop(self.gate.0.borrow_mut().leave(ticket));
        }
        self.ticket = Some(self.gate.0.borrow_mut().park((), waker));
        Park::Waits
    }

    fn leave(&mut self) -> Leave<()> {
        match self.ticket.take() {
            None => Leave::Left,
            Some(ticket) => {
                let left = self.gate.0.borrow_mut().leave(ticket);
                match left.waker {
                    Some(_still_parked) => Leave::Left,
                    None => Leave::Won(()),
                }
            }
        }
    }
}

#[test]
fn a_wait_of_ones_own_follows_the_rules() {
    exactly(async {
        let gate = Rc::new(Gate::default());
        assert!(!gate.open_once(), "to wake nobody is no blocking point");
        let pass = || {
            let gate = gate.clone();
            spawn(async move { (gate.pass().await.is_ok(), sleep(ms(1)).await.is_ok(), now()) })
        };
        let (first, second, third) = (pass(), pass(), pass());
        yield_now().await?;
        // Cut, it leaves its line at once.
        second.cancel_nowait();
        assert_eq!(second.await?, (false, true, 1));
        assert!(gate.open_once() && gate.open_once() && !gate.open_once());
        // Granted and asked to stop: it was granted, and the request stays.
        third.cancel_nowait();
        assert!(first.await?.0);
        let (passed, slept, _) = third.await?;
        assert!(passed && !slept);
        // Limits, shields and arms know it as they know their own.
        let cut = timeout_after(ms(5), gate.pass()).await.unwrap_err();
        assert!(cut.timed_out());
        let (a, b) = join((timeout_after(ms(5), gate.pass()), sleep(ms(9)))).await;
        assert!(a.unwrap_err().timed_out() && b.is_ok());
        let shielded = {
            let gate = gate.clone();
            spawn(async move {
                (
                    shield(gate.pass()).await.is_ok(),
                    sleep(LONG).await.is_err(),
                )
            })
        };
        yield_now().await?;
        shielded.cancel_nowait();
        yield_now().await?;
        assert!(gate.open_once());
        assert_eq!(shielded.await?, (true, true));
        Ok(())
    });
}

#[bibelot::test(uring, poll)]
async fn an_operation_without_a_wrapper_is_asked_for_by_hand() {
    use std::os::fd::OwnedFd;
    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let socket = Fd::from(OwnedFd::from(ours));
    let receive = |len| bibelot_reactor::Op::ReceiveInto {
        socket: socket.clone(),
        buf: Buf::with_capacity(len),
    };
    theirs.write_all(b"by hand").unwrap();
    let (result, buf) = operate(receive(16)).await.unwrap();
    assert!(matches!(result, Ok(Outcome::Count(7))));
    assert_eq!(&buf.unwrap()[..], b"by hand");
    // A cut one has taken nothing.
    let cut = timeout_after(ms(2), operate(receive(16))).await;
    assert!(cut.unwrap_err().timed_out());
    theirs.write_all(b"again").unwrap();
    let (result, _) = operate(receive(16)).await.unwrap();
    assert!(matches!(result, Ok(Outcome::Count(5))));
}
