//! The Model Context Protocol as far as a server of tools on standard input and output needs it: JSON-RPC, a
//! message a line. Knows nothing of services; what the tools do is given to it. Why not the protocol's own SDK:
//! `docs/design/dependencies.md`.

pub mod catalog;
pub mod lines;
pub mod message;
mod panics;
pub mod server;

pub use catalog::{Tool, tools};
pub use server::{Answer, Toolbox, serve};
