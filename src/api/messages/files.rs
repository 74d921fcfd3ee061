//! What a session's files say, for whoever is not on its machine: their check, their merged text, and the
//! environment that they make. The commands of the same names print these shapes with `--json`.

use crate::diag::{Diagnostic, Kind, Severity, Source, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// What `ovr check --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checked {
    pub schema: u32,
    /// Whether `ovr start` would start.
    pub ok: bool,
    pub services: Vec<CheckedService>,
    pub findings: Vec<Finding>,
    /// The configuration's path; `null` where there is nothing sound to name.
    #[serde(default)]
    pub config: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckedService {
    pub name: String,
    pub command: String,
    /// `Procfile:4`.
    pub origin: String,
    pub port: Option<u16>,
}

/// An error or a warning, with the place that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    pub severity: FindingSeverity,
    /// As an error's `code`.
    pub code: String,
    pub message: String,
    pub path: Option<String>,
    /// From 1, as are columns.
    pub line: Option<usize>,
    pub column: Option<usize>,
    /// In characters.
    pub length: Option<usize>,
    pub hints: Vec<String>,
    /// Why it happened, outermost first.
    #[serde(default)]
    pub causes: Vec<String>,
    /// The line that it is about, as it is written.
    #[serde(default)]
    pub text: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingSeverity {
    Warning,
    Error,
}

/// The configuration of a session as one, as its files have it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Configuration {
    pub schema: u32,
    /// `null` if the files have errors; `findings` says which.
    pub config: serde_json::Value,
    /// `ovr.yaml:3` for each value, by its JSON pointer.
    pub sources: BTreeMap<String, String>,
    /// The same as YAML, each value with its place behind it.
    pub yaml: String,
    pub findings: Vec<Finding>,
}

/// What `ovr env --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Environment {
    pub schema: u32,
    /// `null`: what all services share.
    pub service: Option<String>,
    pub variables: Vec<Variable>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Variable {
    pub name: String,
    pub value: String,
    /// `caller`, `.env:3`, `ovr`.
    pub source: String,
    /// What lost against it, the nearest first.
    pub overrides: Vec<Overridden>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Overridden {
    pub value: String,
    pub source: String,
}

impl From<&Diagnostic> for Finding {
    fn from(diagnostic: &Diagnostic) -> Self {
        let span = diagnostic.span.as_ref();
        let text = |span: &Span| {
            let mut lines = span.source.text.split('\n');
            lines
                .nth(span.line.saturating_sub(1))
                .unwrap_or_default()
                .to_owned()
        };
        Self {
            severity: match diagnostic.severity {
                Severity::Warning => FindingSeverity::Warning,
                Severity::Error => FindingSeverity::Error,
            },
            code: diagnostic.kind.code().to_owned(),
            message: diagnostic.message.clone(),
            path: span.map(|span| span.source.path.display().to_string()),
            line: span.map(|span| span.line),
            column: span.map(|span| span.column),
            length: span.map(|span| span.length),
            hints: diagnostic.hints.clone(),
            causes: diagnostic.causes.clone(),
            text: span.map(text),
        }
    }
}

impl From<&Finding> for Diagnostic {
    /// As it was told, with its place where all of that arrived.
    fn from(finding: &Finding) -> Self {
        let kind = Kind::from_code(&finding.code);
        let mut diagnostic = match finding.severity {
            FindingSeverity::Warning => Self::warning(kind, &finding.message),
            FindingSeverity::Error => Self::error(kind, &finding.message),
        };
        diagnostic.hints.clone_from(&finding.hints);
        diagnostic.causes.clone_from(&finding.causes);
        if let (Some(path), Some(line), Some(column)) = (&finding.path, finding.line, finding.column) {
            // A place says which of all lines it is in, and only that one has come.
            let before = "\n".repeat(line.saturating_sub(1).min(MOST_LINES));
            let text = finding.text.as_deref().unwrap_or_default();
            diagnostic.span = Some(Span {
                source: Arc::new(Source {
                    path: path.into(),
                    text: format!("{before}{text}"),
                }),
                line,
                column,
                length: finding.length.unwrap_or(1),
            });
        }
        diagnostic
    }
}

/// No file of ours has more lines; what another side says is not believed beyond that.
const MOST_LINES: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::Finding;
    use crate::diag::{Diagnostic, Kind, Source, Span};
    use std::sync::Arc;

    #[test]
    fn a_finding_arrives_with_its_place_and_caret() {
        let source = Arc::new(Source {
            path: "Procfile".into(),
            text: "web: run\n\tworkr\nlast: x\n".into(),
        });
        let told = Diagnostic::warning(Kind::Config, "no colon in this line")
            .at(Span {
                source,
                line: 2,
                column: 2,
                length: 5,
            })
            .cause("why")
            .hint("write `name: command`");
        let sent = serde_json::to_string(&Finding::from(&told)).unwrap();
        let arrived: Finding = serde_json::from_str(&sent).unwrap();
        let arrived = Diagnostic::from(&arrived);
        assert_eq!(arrived.to_string(), told.to_string());
        assert_eq!((arrived.severity, arrived.kind), (told.severity, told.kind));

        let plain = Diagnostic::error(Kind::NoConfig, "nothing here");
        assert_eq!(Diagnostic::from(&Finding::from(&plain)), plain);
    }
}
