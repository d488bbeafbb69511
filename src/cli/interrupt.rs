//! When somebody wants a command in the foreground to end: Ctrl-C in the terminal, or the polite signal of `kill`.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Ready as soon as the process is asked to end.
///
/// # Errors
/// The operating system does not let us listen for signals.
pub async fn interrupted() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}
