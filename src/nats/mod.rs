//! As much of a NATS client as publishing and answering needs: addresses, subjects, the wire, one connection. It
//! knows nothing of events; who publishes what is the controller's. Why not a library: `docs/design/dependencies.md`.

mod address;
mod connection;
mod subject;
mod wire;

pub use address::{Address, AddressError, redacted};
pub(crate) use connection::Connection;
pub(crate) use subject::{SESSION, token};
pub(crate) use wire::{Message, Received};
