//! What the top-level tests share.
