//! Lines out of bytes, SGR-safe console rendering, rings. Knows nothing of tmux or the machine.
//!
//! A pane's bytes go through its [`StreamDecoder`], which hands lines and marks to a [`Sink`]. The
//! [`Hub`] is the sink of all panes: it keeps each instance's last lines in a [`Ring`], renders them for the
//! console with a [`Renderer`], gives them to [`Followers`], and watches for unfinished lines with
//! [`OpenLines`]. A [`Console`] writes what was rendered without ever holding up the loop.

mod batch;
mod color;
mod console;
mod control;
mod escape;
mod follow;
mod hub;
mod ink;
mod line;
mod lookback;
mod open;
mod passage;
mod plain;
mod record;
mod render;
mod ring;
mod scan;
mod screen;
mod sentences;
pub mod store;
mod stream;
mod style;
mod taken_in;
mod watch;
mod whole;
mod write;

#[cfg(test)]
mod hub_tests;
#[cfg(test)]
mod render_tests;
#[cfg(test)]
mod stream_properties;
#[cfg(test)]
mod stream_tests;

/// What clocks show, summer and winter.
pub use cronexpr::jiff::tz::TimeZone;

pub use batch::{Batch, Filter};
pub use color::{ColorChoice, Palette, PaletteError};
pub use console::{Console, ConsoleFailed};
pub use follow::{Delivery, Follower, Followers};
pub use hub::{Hub, StreamEvent};
pub use line::{LINE_MAX, LINE_MAX_CLOSED};
pub use open::{OpenLines, Quiet};
pub use plain::{plain, strip_into};
pub use record::{Record, RecordKind};
pub use render::{Label, RenderOptions, Renderer, Tone};
pub use ring::{Limits, Ring};
pub use screen::styled_lines;
pub use sentences::Place;
pub use stream::{Sink, StreamDecoder};
