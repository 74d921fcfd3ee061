//! The contract: messages, routes and error codes of HTTP/JSON over the session's `api.sock`, with its
//! client and its server. The server turns requests into calls for the controller; it decides nothing.

pub mod messages;
