//! The contract: messages, routes and error codes of HTTP/JSON over the session's `api.sock`, with its
//! client and its server. The server turns requests into calls for the controller; it decides nothing.

pub mod call;
pub mod client;
mod compose;
mod elsewhere;
mod error;
mod hang_up;
mod http1;
pub mod kept;
pub mod messages;
pub mod openapi;
mod peer;
pub mod raw;
pub mod run_socket;
pub mod server;
pub mod socket;
#[cfg(test)]
mod tests;
pub mod token;

pub use call::{Call, Framing, OutputRequest, Reply, StatusRequest, Verb};
pub use client::Client;
pub use hang_up::HangUp;
pub use peer::{Peer, Remote};

/// The header that carries each side's program version, to explain a failure by it.
pub const VERSION_HEADER: &str = "x-ovr-version";
/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// No request has a larger body.
pub const MAX_BODY: usize = 64 * 1024;
