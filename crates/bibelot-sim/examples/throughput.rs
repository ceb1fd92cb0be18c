//! How many socket events a simulated world does a second: an echo over fifty connections, one message
//! of 64 bytes at a time each, calmly and under a seed.
//!
//! `cargo run --release -p bibelot-sim --example throughput`

use std::io;
use std::time::Instant;

use bibelot_reactor::{Buf, Call, Completion, Fd, ListenHow, Op, Outcome, Reactor, Reply, Token};
use bibelot_sim::Sim;
use bibelot_timer::Clock;

const CONNECTIONS: u32 = 50;
const EVENTS: u64 = 3_000_000;

/// What a slot of a token stands for: a receive and a send of each end.
const RECEIVE: u32 = 0;
const SEND: u32 = 1;

fn main() -> io::Result<()> {
    measure("calm", Sim::calm())?;
    measure("seed 7, whole counts", Sim::new(7).split(false))?;
    measure("seed 7, counts and segments split", Sim::new(7))
}

fn measure(name: &str, sim: Sim) -> io::Result<()> {
    let report = sim.report();
    let (mut world, clock, _) = sim.into_parts();
    let ends = pairs(&mut world)?;
    let mut came = Vec::new();
    let mut todo = Vec::new();
    for nth in 0..ends.len() as u32 {
        receive(&mut world, &ends, nth, &mut todo);
        if nth % 2 == 0 {
            let token = Token::new(nth * 2 + SEND, 0);
            let socket = ends[nth as usize].clone();
            let buf = Buf::from(vec![nth as u8; 64]);
            todo.extend(world.submit(token, Op::Send { socket, buf }));
        }
    }
    let mut events = 0_u64;
    let start = Instant::now();
    while events < EVENTS {
        world.poll(None, &mut came)?;
        todo.append(&mut came);
        while let Some(end) = todo.pop() {
            events += 1;
            settle(&mut world, &ends, end, &mut todo);
        }
    }
    let rate = events as f64 / start.elapsed().as_secs_f64() / 1e6;
    println!(
        "{name}: {rate:.2} M socket events/s, {} of virtual time, {report}",
        clock.now()
    );
    Ok(())
}

/// Sends back what came, and receives again when a flow has ended.
fn settle(world: &mut impl Reactor, ends: &[Fd], end: Completion, todo: &mut Vec<Completion>) {
    let nth = end.token.slot() / 2;
    match end.result {
        Ok(Outcome::Received(piece)) => {
            let socket = ends[nth as usize].clone();
            // A token of its own for each send: one may still be under way.
            let token = Token::new(nth * 2 + SEND, next());
            todo.extend(world.submit(token, Op::Send { socket, buf: piece }));
            if !end.more {
                receive(world, ends, nth, todo);
            }
        }
        Ok(Outcome::Count(count)) => {
            let mut buf = end.buf.expect("a send gives its buffer back");
            buf.consume(count);
            if !buf.is_empty() {
                let socket = ends[nth as usize].clone();
                let token = Token::new(nth * 2 + SEND, next());
                todo.extend(world.submit(token, Op::Send { socket, buf }));
            }
        }
        other => panic!("{other:?}"),
    }
}

fn receive(world: &mut impl Reactor, ends: &[Fd], nth: u32, todo: &mut Vec<Completion>) {
    let token = Token::new(nth * 2 + RECEIVE, next());
    let socket = ends[nth as usize].clone();
    todo.extend(world.submit(token, Op::Receive { socket }));
}

/// A generation that no operation under way has.
fn next() -> u32 {
    use std::cell::Cell;
    thread_local!(static NEXT: Cell<u32> = const { Cell::new(1) });
    NEXT.with(|next| {
        next.set(next.get().wrapping_add(1));
        next.get()
    })
}

/// Both ends of each connection, caller before called.
fn pairs(world: &mut impl Reactor) -> io::Result<Vec<Fd>> {
    let address = "127.0.0.1:0".parse().expect("an address");
    let how = ListenHow::default();
    let listener = world.call(Call::Listen { address, how })?.into_fd()?;
    let local = Call::LocalAddress {
        socket: listener.clone(),
    };
    let Reply::Address(peer) = world.call(local)? else {
        panic!("no address");
    };
    let mut ends = Vec::new();
    for _ in 0..CONNECTIONS {
        let socket = world.call(Call::Socket { peer })?.into_fd()?;
        ends.push(socket.clone());
        let mut came = Vec::new();
        came.extend(world.submit(Token::new(0, 0), Op::Connect { socket, peer }));
        let listener = listener.clone();
        let many = false;
        came.extend(world.submit(Token::new(1, 0), Op::Accept { listener, many }));
        while came.len() < 2 {
            world.poll(None, &mut came)?;
        }
        let accepted = came.into_iter().find_map(|end| match end.result {
            Ok(Outcome::Accepted { socket, .. }) => Some(socket),
            _ => None,
        });
        ends.push(accepted.expect("a connection"));
    }
    Ok(ends)
}
