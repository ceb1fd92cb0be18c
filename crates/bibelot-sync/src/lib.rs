//! Fair synchronisation primitives, each state machine written once as plain data
