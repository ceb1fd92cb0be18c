//! The servers' way in: one text for every peer, as in `computing`.
//!
//! A peer says how it listens, accepts, spawns and joins. What is done on a connection is written for each anew, as its users
//! would.

/// Defines `serve(cell, tell_port)` for a runtime, which serves until all connections are closed.
macro_rules! serving {
    (
        listen: $listen:expr,
        accept: $accept:path,
        spawn: $spawn:path,
        join: $join:path,
        echo: $echo:path,
        lines: $lines:path $(,)?
    ) => {
        /// Serves until all connections are closed.
        pub async fn serve(cell: $crate::cell::Cell, tell_port: fn(u16)) -> std::io::Result<()> {
            let listener = $listen?;
            tell_port(listener.local_addr()?.port());
            let message_len = cell.message().0.len().max(1024);
            let mut tasks = Vec::new();
            for _ in 0..cell.connections() {
                let stream = $accept(&listener).await?;
                stream.set_nodelay(true)?;
                tasks.push(match cell {
                    $crate::cell::Cell::Lines { .. } => $spawn($lines(stream)),
                    _ => $spawn($echo(stream, message_len)),
                });
            }
            for task in tasks {
                $join(task).await?;
            }
            Ok(())
        }
    };
}

pub(crate) use serving;
