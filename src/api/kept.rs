//! Kept lines as a client gets them: `GET /v1/logs`. What is asked for is for others to say.

use super::call::LogsRequest;
use super::client::{Client, Lines};
use super::http1::encode;
use super::messages::{ErrorBody, LogsEnd, OutputLine, route};
use crate::diag::Diagnostic;
use std::fmt::Write as _;

/// A line of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptLine {
    Line(OutputLine),
    /// The last one, where nothing follows.
    End(LogsEnd),
    /// The last one, where the reading has failed.
    Failed(ErrorBody),
}

impl Client {
    /// Kept lines, from the session's files. Dropping the stream ends it on both sides.
    ///
    /// # Errors
    /// The session refuses the request, or does not answer.
    pub fn logs(&self, request: &LogsRequest) -> Result<Lines<KeptLine>, Diagnostic> {
        self.lines(&target(request), parse)
    }
}

fn target(request: &LogsRequest) -> String {
    let mut target = format!(
        "{}?names={}&context={}&follow={}&plain={}",
        route::LOGS,
        encode(&request.names.join(",")),
        request.context,
        request.follow,
        request.plain
    );
    // A session of an earlier build does not know it.
    let printed = request.printed.then(|| "true".to_owned());
    let lines = request.lines.map(|lines| lines.to_string());
    let max_bytes = request.max_bytes.map(|bytes| bytes.to_string());
    for (name, value) in [
        ("lines", &lines),
        ("since", &request.since),
        ("until", &request.until),
        ("grep", &request.grep),
        ("run", &request.run),
        ("max_bytes", &max_bytes),
        ("printed", &printed),
    ] {
        if let Some(value) = value {
            write!(target, "&{name}={}", encode(value)).expect("a string takes all");
        }
    }
    target
}

fn parse(text: &[u8]) -> Result<KeptLine, serde_json::Error> {
    // Nearly all are lines; what a line that is none of the three lacks is told by the first.
    serde_json::from_slice(text).map(KeptLine::Line).or_else(|error| {
        let end = serde_json::from_slice(text).map(KeptLine::End);
        end.or_else(|_| serde_json::from_slice(text).map(KeptLine::Failed))
            .map_err(|_| error)
    })
}

#[cfg(test)]
mod tests {
    use super::{KeptLine, LogsRequest, parse, target};

    #[test]
    fn what_is_asked_for_is_in_the_query_and_nothing_else() {
        let request = LogsRequest {
            names: vec!["web".to_owned(), "a*".to_owned()],
            grep: Some("a&b= c".to_owned()),
            run: Some("-1".to_owned()),
            lines: Some(5),
            ..LogsRequest::default()
        };
        assert_eq!(
            target(&request),
            "/v1/logs?names=web%2Ca%2A&context=0&follow=false&plain=false&lines=5&grep=a%26b%3D%20c&run=-1"
        );
    }

    #[test]
    fn a_line_the_end_and_an_error_are_told_apart() {
        let line = br#"{"at":"t","name":"web","position":0,"run":1,"kind":"output","text":"x"}"#;
        assert!(matches!(parse(line), Ok(KeptLine::Line(_))));
        let end = br#"{"cursor":"c1.5.","cut":0,"more":false}"#;
        assert!(matches!(parse(end), Ok(KeptLine::End(_))));
        let error = br#"{"error":{"code":"system","message":"cannot read","causes":[],"hints":[]}}"#;
        assert!(matches!(parse(error), Ok(KeptLine::Failed(_))));
        assert!(parse(b"{}").is_err());
    }
}
