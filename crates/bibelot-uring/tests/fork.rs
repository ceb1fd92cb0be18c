//! A reactor in a child of its process. A binary of its own, since forking is for one thread.

mod common;

use std::io::Write;
use std::time::Duration;

use bibelot_reactor::{Op, Outcome, Reactor};
use bibelot_uring::{Abilities, Uring, UringConfig};
use common::{Desk, data, received};

#[test]
fn a_child_is_told_no_and_its_parent_goes_on() {
    let mut desk = Desk::hiding(Abilities::NONE);
    let (socket, mut peer) = desk.pair();
    let flow = desk.submit(Op::Receive {
        socket: socket.clone(),
    });
    desk.look();
    let queued = desk.submit(Op::Nop);
    let job = desk.submit(Op::Job(bibelot_reactor::Job::new(|| 1)));

    // SAFETY: the child touches nothing that another thread may hold: this binary's other threads wait.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| in_the_child(desk)));
        // SAFETY: it ends the child without running what belongs to the parent.
        unsafe { libc::_exit(i32::from(told.is_err())) };
    }
    let mut status = 0;
    // SAFETY: `status` is where the call writes.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child did not do what it should");

    peer.write_all(b"for the parent").unwrap();
    assert_eq!(received(desk.next_of(flow)), b"for the parent");
    assert!(desk.end_of(queued).result.is_ok());
    assert!(matches!(
        desk.end_of(job).result,
        Ok(Outcome::Finished(Ok(_)))
    ));
    desk.run(Op::Send {
        socket,
        buf: data(b"x"),
    });
}

fn in_the_child(mut desk: Desk) {
    let token = bibelot_reactor::Token::new(9, 9);
    let end = desk
        .uring
        .submit(token, Op::Nop)
        .expect("it is refused at once");
    assert!(end.result.is_err());
    desk.uring.cancel(token);
    assert!(
        desk.uring
            .poll(Some(Duration::ZERO), &mut desk.ends)
            .is_err()
    );
    assert!(desk.uring.poll(None, &mut desk.ends).is_err());
    drop(desk);
    // A reactor of the child's own works.
    let mut own = Uring::new(UringConfig::default()).unwrap();
    assert!(own.submit(token, Op::Nop).is_none());
    let mut ends = Vec::new();
    while ends.is_empty() {
        own.poll(None, &mut ends).unwrap();
    }
}
