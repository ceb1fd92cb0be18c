//! Numbers against peers and against hand-written limits
