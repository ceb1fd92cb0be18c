//! The simulated world: virtual time, sockets in memory, chosen orders
