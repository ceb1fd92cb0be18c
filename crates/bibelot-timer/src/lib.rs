//! A hierarchical timer wheel in nanoseconds, and the clocks that feed it
