//! Examples; see the files beside this one.
