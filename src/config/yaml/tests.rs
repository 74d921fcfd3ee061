//! Tests of whole configurations: files in memory, read to the end.

mod examples;
mod keys;
mod several;
mod variables;
mod wrong;

use super::{Dialect, File, Surroundings, read};
use crate::config::Checked;
use crate::config::project::{ProjectDef, ServiceDef};
use crate::model::ServiceName;
use std::io;
use std::path::Path;

const VARIABLES: &[(&str, &str)] = &[("HOME", "/home/ann"), ("EMPTY", ""), ("N", "3"), ("PORT", "4000")];

/// Reads the files with these names below `/p`, lowest first, of `all` that there are.
fn read_files(named: &[&str], all: &[(&str, &str)], procfile: Option<&[ServiceName]>) -> Checked<ProjectDef> {
    let files: Vec<File> = named
        .iter()
        .map(|name| File {
            path: Path::new("/p").join(name),
            shown: (*name).to_owned(),
            dialect: if name.contains("ovr") {
                Dialect::Ovr
            } else {
                Dialect::ProcessCompose
            },
        })
        .collect();
    let open = |path: &Path| {
        let found = all.iter().find(|(name, _)| Path::new("/p").join(name) == path);
        found
            .map(|(_, text)| text.as_bytes().to_vec())
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    };
    let lookup = |name: &str| {
        let found = VARIABLES.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let surroundings = Surroundings {
        read: &open,
        lookup: &lookup,
        procfile,
    };
    read(&files, &surroundings)
}

fn read_one(name: &str, text: &str) -> Checked<ProjectDef> {
    read_files(&[name], &[(name, text)], None)
}

/// The messages, as a person sees them.
fn told(checked: &Checked<ProjectDef>) -> String {
    let texts: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    texts.join("\n")
}

/// A configuration without anything to say about it.
fn good(text: &str) -> ProjectDef {
    let checked = read_one("ovr.yaml", text);
    assert_eq!(told(&checked), "", "{text}");
    checked.value
}

/// The only process of such a configuration, of the keys in `text`.
fn process(text: &str) -> ServiceDef {
    let text = text.replace('\n', "\n    ");
    let project = good(&format!("processes:\n  web:\n    {text}\n"));
    project.services.into_iter().next().unwrap()
}

#[test]
fn a_process_has_what_its_keys_say() {
    let web = process("command: run it\nreplicas: ${N}\ndepends_on: []\nport: 80\noptional: true");
    assert_eq!(web.command.unwrap().value, "run it");
    assert_eq!(web.replicas.unwrap().value, 3);
    assert!(web.optional);
}
