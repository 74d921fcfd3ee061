//! What a service's processes use.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Of the whole tree of processes, sampled when asked. `null` is what the system does not tell: all of it elsewhere
/// than on Linux.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Resources {
    /// How old the run was.
    pub age_ms: u64,
    pub processes: Option<u32>,
    /// Of the processes that live and of those that they have waited for.
    pub cpu_ms: Option<u64>,
    /// Since the run's start; 100 is one processor.
    pub cpu_percent: Option<f64>,
    pub rss_bytes: Option<u64>,
    /// The same with memory that several processes share counted once.
    pub pss_bytes: Option<u64>,
}
