//! Times in the form that a configuration describes as Go does: by what a certain moment looks like in it
//! (`2006-01-02 15:04:05`). Translated once into the form of the time library, which does the rest.

use cronexpr::jiff::{Timestamp, tz::TimeZone};

/// What stands for a part of the time in Go, and in the library; the first that fits counts.
const PARTS: [(&str, &str); 38] = [
    ("January", "%B"),
    ("Jan", "%b"),
    ("Monday", "%A"),
    ("Mon", "%a"),
    ("MST", "%Z"),
    ("2006", "%Y"),
    ("Z07:00:00", "%::z"),
    ("Z07:00", "%:z"),
    ("Z0700", "%z"),
    ("-07:00:00", "%::z"),
    ("-07:00", "%:z"),
    ("-0700", "%z"),
    ("002", "%j"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    (".000000000", "%.9f"),
    (".000000", "%.6f"),
    (".000", "%.3f"),
    (".00", "%.2f"),
    (".999999999", "%.f"),
    (".999999", "%.f"),
    (".999", "%.f"),
    (",000000", ",%6f"),
    (",000", ",%3f"),
    ("__2", "%_j"),
    ("_2", "%_d"),
    ("15", "%H"),
    ("PM", "%p"),
    ("pm", "%P"),
    ("1", "%-m"),
    ("2", "%-d"),
    ("3", "%-I"),
    ("4", "%-M"),
    ("5", "%-S"),
];

/// A form of times. Remembers the last time that it has written.
#[derive(Debug)]
pub(super) struct Layout {
    format: String,
    /// UTC is a `Z`.
    zulu: bool,
    zone: TimeZone,
    last: Option<(u64, String)>,
}

impl Layout {
    /// The form that `go` describes, in local time.
    pub(super) fn new(go: &str) -> Self {
        Self::within(go, TimeZone::system())
    }

    fn within(go: &str, zone: TimeZone) -> Self {
        Self {
            format: translated(go),
            zulu: go.contains("Z07"),
            zone,
            last: None,
        }
    }

    pub(super) fn text(&mut self, at_ms: u64) -> &str {
        if self.last.as_ref().is_none_or(|(last, _)| *last != at_ms) {
            self.last = Some((at_ms, self.make(at_ms)));
        }
        self.last.as_ref().map_or("", |(_, text)| text)
    }

    fn make(&self, at_ms: u64) -> String {
        let millis = i64::try_from(at_ms).unwrap_or(i64::MAX);
        let time = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
        let zoned = time.to_zoned(self.zone.clone());
        let format = if self.zulu && zoned.offset().is_zero() {
            self.format
                .replace("%::z", "Z")
                .replace("%:z", "Z")
                .replace("%z", "Z")
        } else {
            self.format.clone()
        };
        zoned.strftime(&format).to_string()
    }
}

fn translated(go: &str) -> String {
    let mut format = String::new();
    let mut rest = go;
    while let Some(first) = rest.chars().next() {
        if let Some((part, meant)) = PARTS.iter().find(|(part, _)| rest.starts_with(part)) {
            format.push_str(meant);
            rest = &rest[part.len()..];
        } else {
            if first == '%' {
                format.push('%');
            }
            format.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    format
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use cronexpr::jiff::tz::{self, TimeZone};

    /// 2026-02-03 at 16:05:06.078 UTC.
    const AT: u64 = 1_770_134_706_078;

    fn in_zone(go: &str, hours: i8) -> String {
        Layout::within(go, TimeZone::fixed(tz::offset(hours)))
            .text(AT)
            .to_owned()
    }

    #[test]
    fn times_look_as_go_writes_them() {
        for (go, expected) in [
            ("2006-01-02T15:04:05Z07:00", "2026-02-03T16:05:06Z"),
            ("06-01-02 15:04:05.000", "26-02-03 16:05:06.078"),
            ("Mon Jan _2 3:04PM 2006", "Tue Feb  3 4:05PM 2026"),
            ("Monday, 2 January, 100%", "Tuesday, 3 February, 200%"),
            ("15h04 -0700", "16h05 +0000"),
            ("1/2 03:4:5 pm,000", "2/3 04:5:6 pm,078"),
            ("day 002", "day 034"),
            ("", ""),
        ] {
            assert_eq!(in_zone(go, 0), expected, "{go}");
        }
        assert_eq!(
            in_zone("2006-01-02T15:04:05Z07:00", 2),
            "2026-02-03T18:05:06+02:00"
        );
    }
}
