//! Checks that need several of the crates. The programs in the workspace's README are among them.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
