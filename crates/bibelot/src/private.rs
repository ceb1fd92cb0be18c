//! What the attributes write calls to.

use std::io;
use std::process;

/// The value, or the reason on the standard error and exit code 1.
pub fn or_exit<T>(result: io::Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => {
            eprintln!("error: {error}");
            process::exit(1);
        }
    }
}
