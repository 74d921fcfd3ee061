//! What the commands print about services and sessions: pure functions from the API's messages to text. No
//! clock, no terminal, no network; colours and width are arguments.

pub mod banner;
pub mod changes;
pub mod events;
pub mod graph;
pub mod results;
pub mod sessions;
pub mod standing;
pub mod status;
pub mod timing;
mod title;
pub mod why;

/// The colour (SGR parameters) of the service at this place in its file.
pub type NameColour<'a> = &'a dyn Fn(u32) -> String;

/// `1 service`, `4 services`, `2 processes`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ if noun.ends_with('s') => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}
