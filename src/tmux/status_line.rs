//! The last line of a view. The view says which key leaves, whatever the terminal's width; the window says into the
//! room that this leaves how its service stands, the least important first to go, its name last.

use super::WindowId;
use super::command::{Command, literal, literal_with_time};
use super::leave_keys::LeaveKeys;
use unicode_width::UnicodeWidthStr;

/// The window option that holds what the line says about a window.
const STATUS_OPTION: &str = "@ovr_status";
/// The option of a view's session that tells windows how many columns they have.
pub(super) const ROOM_OPTION: &str = "@ovr_room";
const LONG_NAME: usize = 32;
/// How short a name gets.
const SHORT_NAMES: [usize; 6] = [12, 8, 6, 4, 3, 2];
const MAX_STATE: usize = 24;
/// What the longest age takes: `23 h 59 min`.
const AGE: usize = 11;

/// A view's part of the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatusLine<'a> {
    pub(super) leave: &'a LeaveKeys,
    pub(super) read_only: bool,
}

/// A way to say how to leave, for lines that have room for more than it.
struct Ending {
    /// So many columns besides.
    besides: usize,
    text: String,
}

impl StatusLine<'_> {
    /// From the one that says most to the shortest.
    fn endings(self) -> [Ending; 5] {
        let (words, short) = (self.leave.words(), self.leave.short_words());
        let looks = if self.read_only { " · read-only" } else { "" };
        let ending = |besides, text| Ending { besides, text };
        [
            ending(45, format!("{looks} · leave: {words} ")),
            ending(30, format!("{looks} · leave: {short} ")),
            ending(12, format!(" · leave: {short} ")),
            ending(6, format!(" · {short} ")),
            ending(0, format!(" {short}")),
        ]
    }

    pub(super) fn format(self) -> String {
        let ending = self.by_width(|ending| literal_in_choice(&ending.text));
        format!(" #{{?{STATUS_OPTION},#{{T:{STATUS_OPTION}}},#W}}{ending}")
    }

    /// How many columns are left for the window.
    pub(super) fn room(self) -> String {
        self.by_width(|ending| format!("#{{e|-|:#{{client_width}},{}}}", 1 + ending.text.width()))
    }

    fn by_width(self, say: impl Fn(&Ending) -> String) -> String {
        first_that_fits(
            "#{client_width}",
            self.endings()
                .iter()
                .map(|ending| (1 + ending.text.width() + ending.besides, say(ending))),
        )
    }
}

/// What a status line says about a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowStatus<'a> {
    pub name: &'a str,
    /// `running`, `exited with code 3`.
    pub state: &'a str,
    /// Since when, in seconds of the Unix epoch; shown as a duration that counts on by itself.
    pub since: Option<u64>,
    pub port: Option<u16>,
    /// What a key does now: `Enter restarts it`.
    pub hint: Option<&'a str>,
}

/// Text with the width that it has in the end.
#[derive(Clone, Debug, Default)]
struct Sized {
    width: usize,
    format: String,
}

impl Sized {
    fn text(text: &str) -> Self {
        Self {
            width: text.width(),
            format: escape_choice(&literal_with_time(text)),
        }
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            width: self.width + other.width,
            format: format!("{}{}", self.format, other.format),
        }
    }
}

impl WindowStatus<'_> {
    /// Makes the views of this window say so. To be sent when something of it has changed; time passes without
    /// us.
    pub fn command(&self, window: WindowId) -> Command {
        Command::set_window_option(window, STATUS_OPTION, &self.format())
    }

    fn format(&self) -> String {
        // A view of an earlier build does not tell; its terminal cuts the line.
        let room = format!("#{{?{ROOM_OPTION},#{{E:{ROOM_OPTION}}},1000}}");
        let ways = self.ways();
        first_that_fits(&room, ways.into_iter().map(|way| (way.width, way.format)))
    }

    /// From the one that says most to the shortest.
    fn ways(&self) -> Vec<Sized> {
        let state = Sized::text(&format!(" · {}", shortened(self.state, MAX_STATE)));
        let age = self.since.map_or_else(Sized::default, |since| Sized {
            width: 1 + AGE,
            format: format!(" {}", duration_format(since)),
        });
        let more = match (self.hint, self.port) {
            (Some(hint), _) => Sized::text(&format!(" · {hint}")),
            (None, Some(port)) => Sized::text(&format!(" · :{port}")),
            (None, None) => Sized::default(),
        };
        let name = |most| Sized::text(&shortened(self.name, most));
        let [short, ..] = SHORT_NAMES;
        let mut ways = vec![
            name(LONG_NAME).and(&state).and(&age).and(&more),
            name(short).and(&state).and(&age).and(&more),
            name(short).and(&state).and(&more),
            name(short).and(&state),
        ];
        ways.extend(SHORT_NAMES.map(name));
        ways.push(Sized::default());
        ways
    }
}

/// The first of these that is no wider than `room` has it, a number or a format; the last one where none is. Beside one
/// another, since tmux 3.2 does not look deeper than ten formats.
fn first_that_fits(room: &str, ways: impl IntoIterator<Item = (usize, String)>) -> String {
    let mut narrowing: Vec<(usize, String)> = Vec::new();
    for (width, format) in ways {
        if narrowing.last().is_none_or(|(last, _)| width < *last) {
            narrowing.push((width, format));
        }
    }
    if let Some((width, _)) = narrowing.last_mut() {
        *width = 0;
    }
    let mut below = None;
    let mut said = String::new();
    for (width, format) in narrowing {
        let fits = format!("#{{e|>=|:{room},{width}}}");
        let here = match below.replace(width) {
            Some(wider) => format!("#{{?#{{e|<|:{room},{wider}}},#{{?{fits},{format},}},}}"),
            None => format!("#{{?{fits},{format},}}"),
        };
        said.push_str(&here);
    }
    said
}

/// The time since then, computed by tmux at each look: `12 s`, `3 min`, `2 h 5 min`, `4 d 1 h`.
fn duration_format(since: u64) -> String {
    let age = format!("#{{e|-|:%s,{since}}}");
    let whole = |seconds: u32| format!("#{{e|/|:{age},{seconds}}}");
    let rest = |of: u32, seconds: u32| format!("#{{e|/|:#{{e|m|:{age},{of}}},{seconds}}}");
    let below =
        |limit: u32, then: &str, otherwise: &str| format!("#{{?#{{e|<|:{age},{limit}}},{then},{otherwise}}}");
    let hours = format!("{} h {} min", whole(3600), rest(3600, 60));
    let days = format!("{} d {} h", whole(86400), rest(86400, 3600));
    let longer = below(86400, &hours, &days);
    let minutes = below(3600, &format!("{} min", whole(60)), &longer);
    below(60, &format!("{age} s"), &minutes)
}

/// Text inside `#{?…}`, where commas and braces mean something.
fn literal_in_choice(text: &str) -> String {
    escape_choice(&literal(text))
}

fn escape_choice(text: &str) -> String {
    text.replace(',', "#,").replace('}', "#}")
}

/// At most `most` characters, the last one an ellipsis if there were more.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_texts_are_cut_visibly() {
        assert_eq!(shortened("web", 3), "web");
        assert_eq!(shortened("wébsite", 4), "wéb…");
    }
}
