//! Each operation as one plain system call, and the bounded worker pool
