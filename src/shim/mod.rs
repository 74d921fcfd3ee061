//! The pane's process: spawns, signals, waits, cleans up the tree, reports. Mechanism without policy; small
//! and synchronous (no async runtime, no configuration). `protocol.rs` is what it and the controller say.

pub mod protocol;
