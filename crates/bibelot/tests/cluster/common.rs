//! Clusters for tests, on each backend that is there.

use std::fs;
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bibelot::cluster::ClusterBuilder;
use bibelot::{Backend, Cluster, testing};

/// Long enough for whatever must happen.
pub const LONG: Duration = Duration::from_secs(60);

/// Runs a test on a cluster of so many kernels, on each backend; it must end cleanly.
pub fn each_cluster(kernels: usize, test: impl Fn(&Cluster)) {
    each_builder(|builder| {
        let cluster = builder.kernels(kernels).build().unwrap();
        test(&cluster);
        let report = cluster.shutdown(LONG);
        assert!(report.is_clean(), "{report:#?}");
        assert_eq!(report.kernels.len(), kernels);
    });
}

/// Runs a test with a builder for each backend that is there.
pub fn each_builder(test: impl Fn(ClusterBuilder)) {
    each_backend(|backend| test(Cluster::builder().backend(backend)));
}

/// Runs a test with each backend that is there.
pub fn each_backend(test: impl Fn(Backend)) {
    for (name, backend) in [("uring", Backend::Uring), ("poll", Backend::Poll)] {
        match Cluster::builder().kernels(1).backend(backend).build() {
            Ok(cluster) => drop(cluster),
            Err(error) if testing::is_expected(name) => panic!("{name} is expected: {error}"),
            Err(error) => {
                eprintln!("skipped on {name}: {error}");
                continue;
            }
        }
        test(backend);
    }
}

/// Counts itself while it lives.
pub struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits for ever, deaf to requests, holding something that is not `Send`.
pub async fn deaf() {
    let held = Rc::new(());
    pending::<()>().await;
    drop(held);
}

/// How many threads of this process carry a name that begins like this.
pub fn threads_named(prefix: &str) -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with(prefix))
        .count()
}

/// A thread that was joined is listed for a moment longer.
pub fn wait_for_no_threads(prefix: &str) {
    for _ in 0..10_000 {
        if threads_named(prefix) == 0 {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("threads named {prefix} are left");
}
