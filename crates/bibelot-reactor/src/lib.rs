//! The contract between a kernel and the world: owned operations in, completions out
