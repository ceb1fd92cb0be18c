//! What runs next: schedulers with laws, and the choice seam for exploring orders
