//! Each backend in turn, each cut, several seeds.

use std::future::Future;
use std::io;

use bibelot::testing::{is_expected, on, on_poll, on_uring};
use bibelot::{Backend, Kernel, TcpListener, TcpStream, spawn};
use bibelot_sim::Sim;

use crate::cut::Cut;
use crate::leaks::together;
use crate::rng::Rng;

/// How many seeds, unless `BIBELOT_SEEDS` says otherwise.
const SEEDS: u64 = 3;

fn seeds() -> u64 {
    let asked = std::env::var("BIBELOT_SEEDS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(SEEDS)
}

/// A backend of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    pub backend: Backend,
    pub name: &'static str,
}

/// Those of the operating system.
pub const BACKENDS: [Named; 2] = [
    Named {
        backend: Backend::Uring,
        name: "uring",
    },
    Named {
        backend: Backend::Poll,
        name: "poll",
    },
];

impl Named {
    /// A kernel on it, if it is to be had.
    pub fn kernel(self) -> Option<Kernel> {
        match Kernel::builder().backend(self.backend).build() {
            Ok(kernel) => Some(kernel),
            Err(error) if is_expected(self.name) => panic!("{} is expected: {error}", self.name),
            Err(error) => {
                eprintln!("skipped on {}: {error}", self.name);
                None
            }
        }
    }
}

/// Says what a test was doing when it failed.
struct Witness(&'static str, Cut, u64);

impl Drop for Witness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("on {}, {:?}, seed {}", self.0, self.1, self.2);
        }
    }
}

/// Runs `test` on every backend, with every cut, under several seeds.
pub fn everywhere<F: Future<Output = io::Result<()>>>(test: impl Fn(Cut, Rng) -> F) {
    let _others_may_run = together();
    for seed in 0..seeds() {
        for cut in Cut::ALL {
            let body = || async {
                let ended = test(cut, Rng::new(seed)).await;
                ended.expect("nothing fails");
            };
            let witness = Witness("uring", cut, seed);
            on_uring(body);
            drop(witness);
            let witness = Witness("poll", cut, seed);
            on_poll(body);
            drop(witness);
            let witness = Witness("sim", cut, seed);
            on(Sim::new(seed), "sim", body);
            drop(witness);
        }
    }
}

/// The two ends of a new connection.
pub async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let caller = spawn(TcpStream::connect(listener.local_addr()?));
    let (callee, _) = listener.accept().await?;
    let caller = caller.await.expect("nobody cancels it")?;
    Ok((caller, callee))
}
