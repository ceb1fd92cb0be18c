//! A hand-rolled task core: one allocation, one state word, wakers sound from any thread
