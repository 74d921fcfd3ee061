//! How many instances a service may have, whoever asks for them.

use crate::diag::{Diagnostic, Kind};

/// The most instances of one service. Each takes a port, a terminal and a shim, and the machine has few thousand
/// terminals for everybody: a slip of the finger must not take them all.
pub const MAX_INSTANCES: u32 = 1000;

/// The error for more of them.
pub fn too_many_instances(service: &str) -> Diagnostic {
    let message = format!("{service} can have {MAX_INSTANCES} instances at most");
    Diagnostic::error(Kind::Usage, message)
}
