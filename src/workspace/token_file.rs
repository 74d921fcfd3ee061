//! The file that a session's token for TCP is kept in: in its runtime directory, for its owner alone. What a token
//! looks like is not known here.

use super::file::{read_small, write_atomic};
use super::lock::SessionLock;
use super::session_dir::{SessionDir, system};
use crate::diag::Diagnostic;

/// What the file says; `None` where there is none.
pub fn read(dir: &SessionDir) -> Option<String> {
    String::from_utf8(read_small(&dir.token_file()).ok()?).ok()
}

/// Replaces the file. Only the holder of the session's lock does.
pub fn write(lock: &SessionLock, token: &str) -> Result<(), Diagnostic> {
    let path = lock.dir().token_file();
    write_atomic(&path, format!("{token}\n").as_bytes())
        .map_err(|error| system(format!("cannot write {}", path.display()), &error))
}
