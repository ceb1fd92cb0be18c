//! One thread's turn: tasks, timers, cancellation and operations, reached by traps
