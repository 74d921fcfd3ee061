//! What an instance's probes look at.

use super::super::draft::{DraftCheck, DraftChecks};
use super::super::project::{CheckDef, Located, ProbeDef};
use super::Drafting;
use super::texts::Texts;
use crate::diag::Span;
use crate::model::{Check, HttpCheck};
use std::path::Path;

const LOCAL: &str = "127.0.0.1";

/// How a probe names the port of its own service, where that is not written.
const OWN_PORT: [&str; 2] = ["$PORT", "${PORT}"];

impl Drafting<'_> {
    pub(super) fn checks(&self, cwd: &Path, texts: &mut Texts) -> DraftChecks {
        let service = self.service;
        let mut check = |probe: &Option<ProbeDef>| self.check(probe.as_ref()?, cwd, texts);
        DraftChecks {
            startup: check(&service.startup_probe),
            readiness: check(&service.readiness_probe),
            liveness: check(&service.liveness_probe),
            ready_line: service.ready_log_line.as_ref().map(|line| texts.line(line)),
            failure_line: service.failure_log_line.as_ref().map(|line| texts.line(line)),
        }
    }

    fn check(&self, probe: &ProbeDef, cwd: &Path, texts: &mut Texts) -> Option<DraftCheck> {
        let (check, own_port) = match &probe.check {
            CheckDef::Exec { command, working_dir } => {
                let command = texts.command(command);
                let cwd = match working_dir {
                    Some(written) => {
                        let written = texts.value(written);
                        self.options.path(cwd, &written)
                    }
                    None => cwd.to_owned(),
                };
                let argv = self.shell(&command);
                (Check::Exec { argv, cwd }, false)
            }
            CheckDef::Tcp { host, port } => {
                let host = rendered(host.as_ref(), LOCAL, texts);
                let written = port_of(port.as_ref(), texts)?;
                let port = written.unwrap_or(0);
                (Check::Tcp { host, port }, written.is_none())
            }
            CheckDef::Http {
                host,
                scheme,
                path,
                port,
                headers,
                status_code,
            } => {
                let path = rendered(path.as_ref(), "/", texts);
                let written = port_of(port.as_ref(), texts)?;
                let http = HttpCheck {
                    tls: tls(scheme.as_ref(), texts)?,
                    host: rendered(host.as_ref(), LOCAL, texts),
                    port: written.unwrap_or(0),
                    path: if path.starts_with('/') {
                        path
                    } else {
                        format!("/{path}")
                    },
                    headers: headers
                        .iter()
                        .map(|(name, value)| (name.clone(), texts.open_value(value)))
                        .collect(),
                    status: *status_code,
                };
                (Check::Http(http), written.is_none())
            }
        };
        Some(DraftCheck {
            check,
            own_port: own_port.then(|| probe.span.clone()),
        })
    }
}

fn rendered(text: Option<&Located<String>>, default: &str, texts: &mut Texts) -> String {
    let rendered = text.map(|text| texts.open_value(text).trim().to_owned());
    rendered
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| default.to_owned())
}

/// `None`: it is no scheme, which was told.
fn tls(scheme: Option<&Located<String>>, texts: &mut Texts) -> Option<bool> {
    let Some(written) = scheme else { return Some(false) };
    match texts.value(written).trim().to_lowercase().as_str() {
        "" | "http" => Some(false),
        "https" => Some(true),
        other => {
            texts.error(
                &written.span,
                format!("{other:?} is no scheme of a probe; use http or https"),
            );
            None
        }
    }
}

/// The written port; `Some(None)` if there is none. `None`: it is no port, which was told.
#[expect(
    clippy::option_option,
    reason = "three answers: a port, none written, told as wrong"
)]
fn port_of(port: Option<&Located<String>>, texts: &mut Texts) -> Option<Option<u16>> {
    let Some(written) = port else { return Some(None) };
    let errors = texts.diagnostics.len();
    let text = texts.value(written);
    if texts.diagnostics.len() > errors {
        return None;
    }
    if OWN_PORT.contains(&text.trim()) {
        return Some(None);
    }
    match text.trim().parse() {
        Ok(port) if port > 0 => Some(Some(port)),
        _ => {
            no_port(&text, &written.span, texts);
            None
        }
    }
}

fn no_port(text: &str, span: &Span, texts: &mut Texts) {
    texts.error(
        span,
        format!("{text:?} is no port; a port is a number from 1 to 65535"),
    );
}
