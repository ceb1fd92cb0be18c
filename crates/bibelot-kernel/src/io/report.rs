//! The report: what a kernel leaves of its dealings with the world.

use bibelot_reactor::OpKind;

use super::table::{Slot, Table};

/// What is left of the kernel's dealings with the world at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IoReport {
    /// Bytes that writers had handed over and that could not be sent.
    pub unsent_bytes: u64,
    /// Bytes that had been sent and that peers had not taken when their streams' linger time was over.
    pub undelivered_bytes: u64,
    /// Operations that had not ended.
    pub in_flight: Vec<OpKind>,
}

impl Table {
    /// What is left.
    pub(crate) fn report(&self) -> IoReport {
        let mut in_flight: Vec<OpKind> = Vec::new();
        for (_, (_, slot)) in &self.slots {
            match slot {
                Slot::Operation(state) if state.end.is_none() => in_flight.push(state.kind),
                Slot::Raw(raw) if raw.is_under_way() => in_flight.push(OpKind::Send),
                _ => {}
            }
        }
        in_flight.sort_unstable();
        IoReport {
            unsent_bytes: self.shared.unsent_bytes,
            undelivered_bytes: self.shared.undelivered_bytes,
            in_flight,
        }
    }
}
