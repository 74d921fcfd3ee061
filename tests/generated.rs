//! The files that are made from the command line's definition are committed and must not go stale:
//! `completions/`, `docs/man/`, `docs/cli.md`; so is what is made from the table of a configuration's keys:
//! `docs/ovr.schema.json`; and what is made from the API's messages: `docs/openapi.json`.
//! `OVR_REGENERATE=1 cargo test generated` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
use ovr::cli::completions::Shell;
use ovr::cli::reference::{manual_pages, markdown};
use ovr::diag::{Kind, exit_code};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares `directory` with the files it should hold, or writes them.
fn check(directory: &str, files: &[(String, String)]) {
    let directory = root().join(directory);
    let regenerate = std::env::var_os("OVR_REGENERATE").is_some();
    if regenerate {
        fs::create_dir_all(&directory).unwrap();
        for (name, text) in files {
            fs::write(directory.join(name), text).unwrap();
        }
    }
    for (name, text) in files {
        let path = directory.join(name);
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == *text,
            "{} is stale; run: OVR_REGENERATE=1 cargo test generated",
            path.display()
        );
    }
}

/// The files in `directory`, so that none is left over from a command that is gone.
fn listed(directory: &str) -> BTreeSet<PathBuf> {
    fs::read_dir(root().join(directory))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into())
        .collect()
}

#[test]
fn generated_completions_are_up_to_date() {
    let files: Vec<_> = Shell::ALL
        .iter()
        .map(|shell| (shell.file_name().to_owned(), shell.script()))
        .collect();
    check("completions", &files);
    assert_eq!(listed("completions").len(), files.len());
}

#[test]
fn generated_manual_pages_are_up_to_date() {
    let pages = manual_pages();
    check("docs/man", &pages);
    assert_eq!(listed("docs/man").len(), pages.len());
}

#[test]
fn generated_reference_is_up_to_date() {
    check("docs", &[("cli.md".to_owned(), markdown())]);
}

#[test]
fn the_documented_exit_codes_are_those_of_the_program() {
    let text = fs::read_to_string(root().join("docs/exit-codes.md")).unwrap();
    let documented: Vec<u8> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    let kinds = [
        Kind::Usage,
        Kind::NoSuchService,
        Kind::NoConfig,
        Kind::NotRunning,
        Kind::System,
        Kind::Tmux,
        Kind::AlreadyRunning,
        Kind::ServiceFailed,
        Kind::NoTerminal,
        Kind::NotAllowed,
        Kind::Config,
        Kind::Timeout,
    ];
    let mut codes = vec![exit_code::OK, exit_code::FAILURE, exit_code::NOT_READY];
    codes.extend(kinds.map(Kind::exit_code));
    codes.extend([exit_code::CANNOT_RUN_COMMAND, exit_code::COMMAND_NOT_FOUND]);
    codes.extend([exit_code::INTERRUPTED, exit_code::TERMINATED]);
    codes.sort_unstable();
    assert_eq!(documented, codes);
    for kind in kinds {
        assert!(text.contains(&format!("`{}`", kind.code())), "{}", kind.code());
    }
}

#[test]
fn every_member_of_status_and_why_is_documented() {
    let text = fs::read_to_string(root().join("docs/status.md")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&ovr::api::openapi::document()).unwrap();
    let schemas = &document["components"]["schemas"];
    for name in [
        "Status",
        "Session",
        "Service",
        "ProbeFailure",
        "Resources",
        "Why",
        "Blocker",
        "Deed",
        "LastExit",
        "Next",
    ] {
        let members = schemas[name]["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("no {name}"));
        for member in members.keys() {
            let is_told = [format!("`{member}`"), format!("`{member}[]`")];
            let is_told = is_told.iter().any(|word| text.contains(word));
            assert!(is_told, "{name}.{member} is not in docs/status.md");
        }
    }
}

#[test]
fn generated_schema_is_up_to_date() {
    check(
        "docs",
        &[("ovr.schema.json".to_owned(), ovr::config::yaml::schema())],
    );
}

#[test]
fn generated_api_document_is_up_to_date() {
    check(
        "docs",
        &[("openapi.json".to_owned(), ovr::api::openapi::document())],
    );
}
