//! The reactor contract kept by io_uring
