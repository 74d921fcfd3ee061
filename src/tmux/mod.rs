//! Control-mode parser, command rendering, client, attach command lines. Speaks to tmux and knows nothing of services.

pub mod attach;
pub mod client;
pub mod command;
mod descriptors;
mod heap;
pub mod hold;
mod ids;
pub mod lane;
mod leave_keys;
pub mod locate;
mod notification;
pub mod opening;
pub mod outset;
pub mod panes;
mod reply;
pub mod server;
pub mod setup;
mod status_line;
pub mod terminfo;
pub mod view;
mod whole;
pub mod wire;

pub use ids::{PaneId, SessionId, WindowId};
pub use notification::{Block, Notification};
pub use reply::{ClientEvent, CommandNumber, Gone, Greeting, Reply};
