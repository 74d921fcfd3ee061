//! Our states as the clients of Process Compose read them: its JSON shapes and status words, made from the API's
//! own messages. Pure; the routes are `server::compose`'s, and what differs is told in docs/process-compose.md.

mod graph;
mod process;
mod project;

pub(super) use graph::tree;
pub(super) use process::{ProcessConfig, ProcessState, is_up};
pub(super) use project::{ProjectState, changes};
