//! What a client of a terminal's WebSocket says besides what is typed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a client of a terminal sends besides what is typed, as a text message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TerminalOrder {
    /// The client's screen has another size now.
    Resize { cols: u16, rows: u16 },
}
