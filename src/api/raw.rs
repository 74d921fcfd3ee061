//! Any request, and its answer as it comes: what `ovr api` speaks through.

use super::client::Client;
use crate::diag::Diagnostic;
use std::fmt;
use std::io::Read;

impl Client {
    /// Any request, and its answer, whatever it is, as it comes.
    pub fn raw(&self, request: &RawRequest) -> Result<RawAnswer, Diagnostic> {
        let (head, body) = self.send_with(
            &request.method,
            &request.target,
            &request.headers,
            request.body.as_deref(),
            None,
        )?;
        Ok(RawAnswer {
            status: head.status,
            head: head.lines,
            body: Box::new(body),
        })
    }
}

/// A request as somebody typed it.
#[derive(Clone, Debug)]
pub struct RawRequest {
    pub method: String,
    /// Path and query, encoded.
    pub target: String,
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: Option<Vec<u8>>,
}

/// What came back.
pub struct RawAnswer {
    pub status: u16,
    /// The status line and the headers.
    pub head: Vec<String>,
    pub body: Box<dyn Read>,
}

impl fmt::Debug for RawAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawAnswer")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
