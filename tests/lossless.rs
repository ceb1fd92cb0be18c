//! Nothing is lost: operations cut in every way, on every backend, with zero as the limit.
//!
//! Each test runs a stream of connections, bytes, records or items, cuts whoever waits for them again and
//! again after 0 to 200 us, and counts at the other end. The spans are random; a failure names the backend,
//! the cut and the seed that it came with.
//!
//! | Module | What it holds |
//! |---|---|
//! | `cut`, `rng`, `run` | ways to cut; numbers; each backend in turn |
//! | `accepts`, `reads`, `writes`, `raw`, `queues` | what is taken and given under fire |
//! | `ends` | what was written before an end arrives |
//! | `closes` | also where not everything was read |
//! | `crowds` | a dry pool, a task that never waits, many sleeps |
//! | `shortage` | too few descriptors |
//! | `leaks` | descriptors and memory as before |

#[path = "lossless/accepts.rs"]
mod accepts;
#[path = "lossless/closes.rs"]
mod closes;
#[path = "lossless/crowds.rs"]
mod crowds;
#[path = "lossless/cut.rs"]
mod cut;
#[path = "lossless/ends.rs"]
mod ends;
#[path = "lossless/leaks.rs"]
mod leaks;
#[path = "lossless/queues.rs"]
mod queues;
#[path = "lossless/raw.rs"]
mod raw;
#[path = "lossless/reads.rs"]
mod reads;
#[path = "lossless/rng.rs"]
mod rng;
#[path = "lossless/run.rs"]
mod run;
#[path = "lossless/shortage.rs"]
mod shortage;
#[path = "lossless/writes.rs"]
mod writes;
