//! Curio's pleasures for Rust: structured tasks, cancellation that code can catch, streams
