//! Curio's catalogue, section by section: what `docs/curio.md` promises and no other test shows.

#[path = "curio/bridge.rs"]
mod bridge;
#[path = "curio/cancel.rs"]
mod cancel;
#[path = "curio/errors.rs"]
mod errors;
#[path = "curio/groups.rs"]
mod groups;
#[path = "curio/kernels.rs"]
mod kernels;
#[path = "curio/queues.rs"]
mod queues;
#[path = "curio/sync.rs"]
mod sync;
#[path = "curio/tasks.rs"]
mod tasks;
#[path = "curio/time.rs"]
mod time;
#[path = "curio/traps.rs"]
mod traps;
#[path = "curio/universal.rs"]
mod universal;
#[path = "curio/workers.rs"]
mod workers;

use std::time::Duration;

use bibelot::{Backend, Builder, Kernel, clock};
use bibelot_sim::Sim;

const LONG: Duration = Duration::from_secs(3600);

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

/// The kernel's time in milliseconds, exact in a simulated world.
fn now() -> u64 {
    clock().as_nanos() / 1_000_000
}

/// Kernels to try: those of this machine, and a simulated one.
fn each_kernel(test: impl Fn(Builder)) {
    each_kernel_of_this_machine(&test);
    test(Kernel::builder().backend(Sim::calm()));
}

/// Kernels of this machine to try.
fn each_kernel_of_this_machine(test: impl Fn(Builder)) {
    for backend in [Backend::Uring, Backend::Poll] {
        match Kernel::builder().backend(backend).build() {
            Ok(kernel) => drop(kernel),
            Err(error) => {
                eprintln!("skipped on {backend:?}: {error}");
                continue;
            }
        }
        test(Kernel::builder().backend(backend));
    }
}

/// Runs in a calm simulated world, whose times are exact.
fn exactly<F: Future<Output = bibelot::Result<()>>>(main: F) {
    Sim::calm().block_on(main).unwrap();
}

/// Runs on whatever has threads.
fn on_threads<F: Future<Output = bibelot::Result<()>>>(make: impl Fn() -> F) {
    bibelot::testing::on_uring(async || make().await.unwrap());
    bibelot::testing::on_poll(async || make().await.unwrap());
}
