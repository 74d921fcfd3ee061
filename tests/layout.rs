//! Checks that each room imports only what the architecture allows it (`docs/ARCHITECTURE.md`), and that every
//! source file says what lives in it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::fs;
use std::path::{Path, PathBuf};

/// room → rooms it may import. `cli` may import everything.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("diag", &[]),
    ("cron", &[]),
    ("thrift", &[]),
    ("platform", &[]),
    ("model", &["diag"]),
    ("config", &["model", "diag", "cron"]),
    ("supervisor", &["model"]),
    ("shim", &["model", "thrift", "platform"]),
    ("tmux", &["model", "diag", "platform"]),
    ("logs", &["model", "diag", "platform"]),
    ("tls", &["model"]),
    ("nats", &["model", "tls"]),
    ("probes", &["model", "tls"]),
    ("ports", &["model", "diag", "platform"]),
    ("workspace", &["model", "diag", "platform"]),
    ("api", &["model", "diag", "platform"]),
    ("mcp", &["api"]),
    (
        "controller",
        &[
            "model",
            "diag",
            "cron",
            "thrift",
            "platform",
            "supervisor",
            "shim",
            "tmux",
            "logs",
            "probes",
            "ports",
            "workspace",
            "nats",
            "api",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "diag",
            "cron",
            "config",
            "platform",
            "supervisor",
            "shim",
            "tmux",
            "logs",
            "probes",
            "ports",
            "workspace",
            "nats",
            "api",
            "mcp",
            "controller",
        ],
    ),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.strip_prefix(root.join("src")).unwrap().to_owned(), text)
        })
        .collect()
}

#[test]
fn every_room_imports_only_what_it_may() {
    let mut wrong = Vec::new();
    for (path, text) in all_sources() {
        let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.trim_end_matches(".rs");
        if matches!(room, "lib" | "main" | "bin") {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: room `{room}` is not in the table", path.display()));
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (_, rest) in line
                .match_indices("crate::")
                .map(|(at, found)| (at, &line[at + found.len()..]))
            {
                let target: String = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if !target.is_empty() && target != room && !allowed.contains(&target.as_str()) {
                    wrong.push(format!(
                        "{}:{}: `{room}` imports `{target}`",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_source_file_says_what_lives_in_it() {
    let silent: Vec<_> = all_sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no `//!` at the top of: {}", silent.join(", "));
}
