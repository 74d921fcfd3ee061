//! t
mod advice;
pub mod dirs;
mod file;
mod identity;
pub mod lock;
pub mod project;
mod session_dir;
pub use dirs::Places;
pub use identity::ProjectId;
pub use session_dir::{SOCKET_PATH_MAX, SessionDir};
