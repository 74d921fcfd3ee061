//! Who gets which port (a pure rule), and who holds one already.

mod holder;
#[cfg(any(test, not(target_os = "linux")))]
mod lsof;
mod proc_net;
mod rule;
mod sock_diag;
mod trees;

pub use holder::{Holder, Listener, Project, is_still_taken, listeners, listeners_before_a_start};
pub use rule::{Base, BaseVariable, PortPlan, Rule, ServicePorts, Wanted, Wish};
pub use trees::{Socket, held_by, listening};
