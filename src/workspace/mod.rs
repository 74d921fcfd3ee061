//! Project root, runtime and state directories, session lock, the sessions of this machine.
//!
//! Whether a session is alive is decided by its lock and by nothing else; files are hints. Looking writes
//! nothing: only taking a lock creates a runtime directory, and only recording an end creates a state directory.

mod advice;
pub mod clean;
pub mod dirs;
pub mod errors;
mod file;
mod identity;
pub mod last;
pub mod locate;
pub mod lock;
mod note;
pub mod project;
pub mod revive;
pub mod session;
mod session_dir;
pub mod token_file;
pub mod watch;

pub use dirs::Places;
pub use file::keep_own_files_usable;
pub use identity::ProjectId;
pub use locate::Located;
pub use lock::{Probe, SessionLock};
pub use project::{Project, Search};
pub use session::SessionInfo;
pub use session_dir::{SOCKET_PATH_MAX, SessionDir};
