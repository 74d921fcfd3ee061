//! The keys about log files.

use super::{Key, Kind, One, Table, key, one};

const MANY: i64 = 1_000_000_000;

const KEYS: &[Key] = &[
    one(
        "disable_json",
        One::Flag,
        "Lines are text instead of JSON objects.",
    ),
    one(
        "no_metadata",
        One::Flag,
        "Lines do not name the process and its number.",
    ),
    one("add_timestamp", One::Flag, "Each line has its time."),
    one(
        "timestamp_format",
        One::Text,
        "The form of the time, as Go writes it (`2006-01-02T15:04:05Z07:00`).",
    ),
    key(
        "fields_order",
        Kind::Texts,
        "The parts of a line that is text: `time`, `level`, `message`.",
    ),
    key(
        "rotation",
        Kind::Map(&ROTATION),
        "When the file is put aside, and how many of those are kept.",
    ),
    one("no_color", One::Flag, "No colours; there are none in any case.").granted(),
    one(
        "flush_each_line",
        One::Flag,
        "Lines are written at once, as they are in any case.",
    )
    .granted(),
];

pub(in crate::config::yaml) static LOG: Table = Table {
    what: "`log_configuration`",
    keys: KEYS,
    foreign: &[("json", "disable_json"), ("timestamp", "add_timestamp")],
};

static ROTATION: Table = Table {
    what: "`rotation`",
    keys: &[
        one(
            "max_size_mb",
            One::Whole(0, MANY),
            "A file with so many MiB is put aside (100).",
        ),
        one(
            "max_backups",
            One::Whole(0, MANY),
            "So many of them are kept; 0 is all (0).",
        ),
        one(
            "max_age_days",
            One::Whole(0, MANY),
            "They are kept for so long; 0 is for ever (0).",
        ),
        one("compress", One::Flag, "They are compressed."),
        key("directory", Kind::Any, "Process Compose does not use it either.")
            .explained("`log_location` says where the file is"),
        key("filename", Kind::Any, "Process Compose does not use it either.")
            .explained("`log_location` says where the file is"),
    ],
    foreign: &[
        ("max_size", "max_size_mb"),
        ("max_age", "max_age_days"),
        ("backups", "max_backups"),
    ],
};
