//! The reactor contract kept by readiness polling
