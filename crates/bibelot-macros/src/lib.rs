//! The attributes #[bibelot::main] and #[bibelot::test]
