//! A kernel runs whole programs in a simulated world: in virtual time, repeatably, losing nothing.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bibelot_kernel::io::{Arrival, Object, call, operate};
use bibelot_kernel::{Cancelled, Kernel, clock, sleep, spawn, timeout_after, yield_now};
use bibelot_reactor::{Call, Job, ListenHow, Op, Outcome};
use bibelot_sched::{Choice, Logged, Point, Production, Replay, Seeded};
use bibelot_sim::{Sim, silent_peer};
use bibelot_timer::{Clock, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// What can end a program here.
#[derive(Debug)]
enum Failure {
    Cancelled,
    Io,
}

impl From<Cancelled> for Failure {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Io
    }
}

fn listen() -> (Object, SocketAddr) {
    let address = "127.0.0.1:0".parse().unwrap();
    let how = ListenHow::default();
    let listener = call(Call::Listen { address, how })
        .unwrap()
        .into_fd()
        .unwrap();
    let socket = listener.clone();
    let local = call(Call::LocalAddress { socket }).unwrap();
    (Object::listener(listener, 8), local.into_address().unwrap())
}

async fn connect(peer: SocketAddr) -> Result<Object, Failure> {
    let socket = call(Call::Socket { peer })?.into_fd()?;
    let connect = Op::Connect {
        socket: socket.clone(),
        peer,
    };
    operate(connect).await?.0?;
    Ok(Object::stream(socket))
}

async fn send_all(stream: &Object, mut bytes: &[u8]) -> Result<(), Failure> {
    while !bytes.is_empty() {
        let count = stream.push(bytes)?;
        bytes = &bytes[count..];
        if count == 0 {
            stream.room(stream.marks()?.1).await??;
        }
    }
    Ok(())
}

async fn receive(stream: &Object) -> Result<Option<Vec<u8>>, Failure> {
    match stream.receive().await?? {
        Some(Arrival::Bytes(buf)) => Ok(Some(buf.to_vec())),
        Some(Arrival::Connection(..)) => panic!("a stream brings no connections"),
        None => Ok(None),
    }
}

async fn echo(stream: Object) -> Result<(), Failure> {
    while let Some(bytes) = receive(&stream).await? {
        send_all(&stream, &bytes).await?;
    }
    Ok(())
}

async fn serve(listener: Object) -> Result<(), Failure> {
    loop {
        match listener.receive().await?? {
            Some(Arrival::Connection(socket, _)) => {
                spawn(echo(Object::stream(socket))).detach();
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Sends `data` in pieces and gives what comes back.
async fn ask(peer: SocketAddr, data: &[u8]) -> Result<Vec<u8>, Failure> {
    let stream = connect(peer).await?;
    let mut back = Vec::new();
    let mut sent = 0;
    for piece in data.chunks(100) {
        send_all(&stream, piece).await?;
        sent += piece.len();
        while back.len() < sent {
            match receive(&stream).await? {
                Some(bytes) => back.extend(bytes),
                None => panic!("the server ended early"),
            }
        }
    }
    Ok(back)
}

async fn echo_program(clients: usize) -> Vec<Vec<u8>> {
    let (listener, peer) = listen();
    let server = spawn(serve(listener));
    let tasks: Vec<_> = (0..clients)
        .map(|n| {
            let data: Vec<u8> = (0..1000).map(|k| (k * 7 + n) as u8).collect();
            spawn(async move { ask(peer, &data).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.join().await.unwrap());
    }
    server.cancel().await.unwrap();
    answers
}

#[test]
fn every_seed_echoes_every_byte() {
    for seed in 0..60 {
        let answers = Sim::new(seed).block_on(echo_program(7));
        for (n, answer) in answers.iter().enumerate() {
            let data: Vec<u8> = (0..1000).map(|k| (k * 7 + n) as u8).collect();
            assert_eq!(*answer, data, "seed {seed}");
        }
    }
}

#[test]
fn the_same_seed_runs_the_same_whole_program() {
    let run = |seed| {
        let sim = Sim::new(seed);
        let report = sim.report();
        sim.block_on(echo_program(5));
        report.to_string()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    let calm = || {
        let sim = Sim::calm();
        let report = sim.report();
        sim.block_on(echo_program(5));
        report.to_string()
    };
    assert_eq!(calm(), calm());
}

/// A chooser that the test can look into after the run.
#[derive(Clone)]
struct Seen<C>(Arc<Mutex<C>>);

impl<C> Seen<C> {
    fn new(choice: C) -> Self {
        Self(Arc::new(Mutex::new(choice)))
    }
}

impl<C: Choice> Choice for Seen<C> {
    fn choose(&mut self, at: &Point<'_>) -> usize {
        self.0.lock().unwrap().choose(at)
    }
}

#[test]
fn the_deviations_alone_repeat_a_run() {
    let run = |sim: Sim| {
        let report = sim.report();
        sim.block_on(echo_program(3));
        report.to_string()
    };
    for seed in 0..5 {
        let logged = Seen::new(Logged::new(Seeded::new(seed)));
        let first = run(Sim::chosen(logged.clone()));
        let deviations = logged.0.lock().unwrap().deviations();
        assert!(!deviations.is_empty());
        let replay = Seen::new(Replay::new(deviations));
        assert_eq!(run(Sim::chosen(replay.clone())), first);
        assert_eq!(replay.0.lock().unwrap().parted(), None);
    }
}

#[test]
fn an_answer_of_nought_everywhere_is_a_calm_world() {
    let end = |sim: Sim| {
        sim.block_on(async {
            echo_program(3).await;
            clock()
        })
    };
    assert_eq!(end(Sim::chosen(Production)), end(Sim::calm()));
}

#[test]
fn sleepers_wake_by_their_deadlines_in_no_time() {
    for seed in 0..20 {
        let order = Rc::new(RefCell::new(Vec::new()));
        let seen = order.clone();
        Sim::new(seed).block_on(async move {
            let tasks: Vec<_> = [3_u32, 1, 2]
                .into_iter()
                .map(|n| {
                    let seen = seen.clone();
                    spawn(async move {
                        sleep(SECOND * 3600 * n).await.unwrap();
                        assert_eq!(clock(), Instant::ZERO + SECOND * 3600 * n);
                        seen.borrow_mut().push(n);
                    })
                })
                .collect();
            for task in tasks {
                task.join().await.unwrap();
            }
        });
        assert_eq!(*order.borrow(), [1, 2, 3]);
    }
}

#[test]
fn a_limit_ends_a_connect_that_nobody_answers() {
    for seed in 0..20 {
        Sim::new(seed).block_on(async {
            let peer = silent_peer();
            let start = clock();
            let result = timeout_after(SECOND, async {
                let socket = call(Call::Socket { peer }).unwrap().into_fd().unwrap();
                operate(Op::Connect { socket, peer }).await
            })
            .await;
            assert!(result.is_err_and(|cancelled| cancelled.timed_out()));
            let took = clock() - start;
            assert!((SECOND..SECOND * 2).contains(&took), "{took:?}");
        });
    }
}

#[test]
fn a_receive_that_is_cut_off_again_and_again_loses_no_byte() {
    for seed in 0..40 {
        let (got, cuts) = Sim::new(seed).block_on(async {
            let (listener, peer) = listen();
            let writer = spawn(async move {
                let stream = connect(peer).await.unwrap();
                for n in 0..200_u8 {
                    send_all(&stream, &[n]).await.unwrap();
                    sleep(Duration::from_micros(70)).await.unwrap();
                }
            });
            let Some(Arrival::Connection(socket, _)) = listener.receive().await.unwrap().unwrap()
            else {
                panic!("no connection");
            };
            let stream = Object::stream(socket);
            let (mut got, mut cuts) = (Vec::new(), 0);
            loop {
                let limit = Duration::from_micros(20 + got.len() as u64 % 50);
                let received: Result<_, Failure> =
                    match timeout_after(limit, stream.receive()).await {
                        Ok(arrival) => Ok(arrival.unwrap()),
                        Err(cancelled) => Err(cancelled.into()),
                    };
                match received {
                    Ok(Some(Arrival::Bytes(buf))) => got.extend_from_slice(&buf),
                    Ok(None) => break,
                    Err(Failure::Cancelled) => cuts += 1,
                    other => panic!("{other:?}"),
                }
            }
            writer.join().await.unwrap();
            (got, cuts)
        });
        assert_eq!(got, (0..200).collect::<Vec<u8>>(), "seed {seed}");
        assert!(cuts > 0);
    }
}

#[test]
fn a_program_that_waits_for_nothing_is_a_deadlock_and_says_so() {
    let result = Sim::calm().try_block_on(async {
        let (listener, _) = listen();
        let _ = listener.receive().await;
    });
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock);
    assert!(error.to_string().contains("Accept"), "{error}");
}

#[test]
fn a_task_that_always_yields_starves_nobody_where_turns_cost_time() {
    let sim = Sim::new(3).turn_cost(Duration::from_micros(1));
    sim.block_on(async {
        let busy = spawn(async { while yield_now().await.is_ok() {} });
        let answers = echo_program(2).await;
        assert_eq!(answers.len(), 2);
        sleep(Duration::from_millis(5)).await.unwrap();
        busy.cancel().await.unwrap();
    });
}

#[test]
fn kernel_and_world_show_one_time_and_one_name() {
    let mut kernel = Kernel::builder().backend(Sim::new(9)).build().unwrap();
    let info = kernel.backend();
    assert_eq!((info.name, info.reason.as_str()), ("sim", "seed 9"));
    kernel.block_on(async { sleep(SECOND).await.unwrap() });
    kernel.block_on(async { assert_eq!(clock(), Instant::ZERO + SECOND) });
    let (_, clock, _) = Sim::new(9).into_parts();
    assert_eq!(clock.now(), Instant::ZERO);
}

#[test]
fn a_job_may_drop_what_belongs_to_the_kernel() {
    for seed in 0..10 {
        Sim::new(seed).block_on(async {
            let (listener, peer) = listen();
            let stream = connect(peer).await.unwrap();
            let Some(Arrival::Connection(socket, _)) = listener.receive().await.unwrap().unwrap()
            else {
                panic!("no connection");
            };
            let called = Object::stream(socket);
            send_all(&stream, b"last").await.unwrap();
            let (result, _) = operate(Op::Job(Job::new(move || drop(stream))))
                .await
                .unwrap();
            assert!(matches!(result, Ok(Outcome::Finished(Ok(_)))), "{result:?}");
            let mut got = Vec::new();
            while let Some(bytes) = receive(&called).await.unwrap() {
                got.extend(bytes);
            }
            assert_eq!(got, b"last");
        });
    }
}
