//! Errors on the wire: a [`Diagnostic`] as an [`ErrorBody`] with its HTTP status, and back.

use super::messages::{ErrorBody, ErrorDetail};
use crate::diag::{Diagnostic, Kind};

/// The HTTP status of an answer that is an error of this kind.
pub(super) fn http_status(kind: Kind) -> u16 {
    match kind {
        Kind::Usage | Kind::NoTerminal => 400,
        Kind::NotAllowed => 401,
        Kind::NoSuchService | Kind::NoConfig => 404,
        Kind::NotRunning | Kind::AlreadyRunning | Kind::ServiceFailed => 409,
        Kind::Config => 422,
        Kind::Timeout => 504,
        Kind::Tmux | Kind::System => 500,
    }
}

impl From<&Diagnostic> for ErrorBody {
    fn from(diagnostic: &Diagnostic) -> Self {
        // A place in a file means nothing without the file, so it goes into the words.
        let message = match &diagnostic.span {
            Some(span) => format!("{span}: {}", diagnostic.message),
            None => diagnostic.message.clone(),
        };
        Self {
            error: ErrorDetail {
                code: diagnostic.kind.code().to_owned(),
                message,
                hints: diagnostic.hints.clone(),
                causes: diagnostic.causes.clone(),
            },
        }
    }
}

impl From<ErrorBody> for Diagnostic {
    fn from(body: ErrorBody) -> Self {
        let detail = body.error;
        let mut diagnostic = Self::error(Kind::from_code(&detail.code), detail.message);
        diagnostic.hints = detail.hints;
        diagnostic.causes = detail.causes;
        diagnostic
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorBody, http_status};
    use crate::diag::{Diagnostic, Kind, Source, Span};
    use std::sync::Arc;

    #[test]
    fn an_error_arrives_as_it_was_sent() {
        let sent = Diagnostic::error(Kind::NoSuchService, "no service \"wbe\"")
            .cause("the services are web and api")
            .hint("did you mean \"web\"?");
        assert_eq!(Diagnostic::from(ErrorBody::from(&sent)), sent);
    }

    #[test]
    fn a_place_in_a_file_stays_readable() {
        let source = Arc::new(Source::new("Procfile", "web\n"));
        let sent = Diagnostic::error(Kind::Config, "no colon").at(Span {
            source,
            line: 1,
            column: 4,
            length: 1,
        });
        let arrived = Diagnostic::from(ErrorBody::from(&sent));
        assert_eq!(
            (arrived.message.as_str(), arrived.kind),
            ("Procfile:1:4: no colon", Kind::Config)
        );
    }

    #[test]
    fn the_status_tells_whose_fault_it_is() {
        for (kind, status) in [
            (Kind::Usage, 400),
            (Kind::NoTerminal, 400),
            (Kind::NoSuchService, 404),
            (Kind::NoConfig, 404),
            (Kind::NotRunning, 409),
            (Kind::AlreadyRunning, 409),
            (Kind::ServiceFailed, 409),
            (Kind::Config, 422),
            (Kind::Timeout, 504),
            (Kind::Tmux, 500),
            (Kind::System, 500),
        ] {
            assert_eq!(http_status(kind), status);
        }
    }
}
