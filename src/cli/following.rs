//! Following what services print: over restarts of services, over the end of a controller, and over a reader that was
//! slow while it read what was printed before. Where the lines of the past come from is for [`Past`] to say.

use super::lines::Printer;
use super::successor::{End, Successor};
use crate::api::call::OutputRequest;
use crate::api::client::Client;
use crate::api::messages::{LineKind, OutputLine};
use crate::diag::Diagnostic;
use crate::logs::store::{Cursor, Overlap};
use crate::model::time_text;
use regex::bytes::Regex;
use std::process::ExitCode;
use std::time::SystemTime;

/// What was printed before the stream begins.
pub(super) trait Past {
    /// Prints it: all that is asked for, or what is behind the lines up to `printed`. Returns how far it has come.
    fn print(&self, printed: Option<&Cursor>, printer: &mut Printer) -> Result<Cursor, Diagnostic>;
}

/// What is to be followed.
pub(super) struct Following<'a> {
    pub(super) client: &'a Client,
    pub(super) successor: Successor,
    /// What is asked for; its `lines` are those of the past that the session has in memory.
    pub(super) request: OutputRequest,
    /// These lines are all that is wanted of the past. Else `past` has it.
    pub(super) from_memory: bool,
    /// `None` where no files are kept: then the lines in memory must do, whatever is wanted.
    pub(super) past: Option<&'a dyn Past>,
    pub(super) grep: Option<Regex>,
}

/// So many lines of each service are asked for where there are no files: all that a session has in memory.
const IN_MEMORY: usize = super::kept::IN_MEMORY;

impl Following<'_> {
    /// Prints until nobody reads any more, or the session ends.
    pub(super) fn run(&self, printer: &mut Printer) -> Result<ExitCode, Diagnostic> {
        let begun = Cursor::at(time_text::epoch_millis(SystemTime::now()));
        // The past is read when the stream has begun, so that nothing is missing between the two. The stream repeats
        // enough for what both have to be told by how far the reading has come.
        let again = OutputRequest {
            lines: IN_MEMORY,
            ..self.request.clone()
        };
        let first = if self.from_memory { &self.request } else { &again };
        let mut stream = self.client.output(first)?;
        let (mut printed, mut overlap) = match self.past {
            Some(past) if !self.from_memory => {
                let printed = past.print(None, printer)?;
                (printed.clone(), Overlap::with(printed))
            }
            Some(_) | None => (Cursor::default(), Overlap::nothing()),
        };
        loop {
            let mut end = End::Told;
            for line in stream {
                let line = match line {
                    Ok(line) => line,
                    Err(error) => {
                        end = End::of(&error);
                        break;
                    }
                };
                if line.kind == LineKind::End {
                    end = End::Over;
                    continue;
                }
                if line.kind == LineKind::Gap && !overlap.has_begun_anew() {
                    // What the stream lost while the past was read, the past has.
                    if let Some(past) = self.past {
                        printed = past.print(Some(&from(&printed, &begun)), printer)?;
                        overlap = Overlap::with(printed.clone());
                        continue;
                    }
                }
                self.take(&line, &mut overlap, &mut printed, printer)?;
                if !printer.is_read() {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            let Some(next) = self.successor.ask(end, || self.client.output(&again))? else {
                printer.finish()?;
                printer.note("the session has ended")?;
                return Ok(ExitCode::SUCCESS);
            };
            printer.note("a new controller has taken over")?;
            stream = next;
            if let Some(past) = self.past {
                printed = past.print(Some(&from(&printed, &begun)), printer)?;
            }
            overlap = Overlap::with(printed.clone());
        }
    }

    fn take(
        &self,
        line: &OutputLine,
        overlap: &mut Overlap,
        printed: &mut Cursor,
        printer: &mut Printer,
    ) -> Result<(), Diagnostic> {
        let at_ms = time_text::millis_of(&line.at);
        let nth = line.nth.unwrap_or_default();
        let is_new = match line.kind {
            LineKind::Output => overlap.is_new(&line.name, at_ms, nth),
            LineKind::Event => overlap.is_event_new(&line.name, at_ms),
            LineKind::Open | LineKind::Gap | LineKind::End => true,
        };
        if !is_new {
            return Ok(());
        }
        if line.kind == LineKind::Output {
            printed.reach(&line.name, at_ms, nth);
        }
        if self.wants(line) {
            printer.line(line)?;
        }
        Ok(())
    }

    fn wants(&self, line: &OutputLine) -> bool {
        let matches = || {
            let grep = self.grep.as_ref();
            grep.is_none_or(|grep| grep.is_match(line.text.as_bytes()))
        };
        line.kind == LineKind::Gap || matches()
    }
}

/// How far the reading has come; where there was nothing to read, to where it began.
fn from(printed: &Cursor, begun: &Cursor) -> Cursor {
    let came = if *printed == Cursor::default() {
        begun
    } else {
        printed
    };
    came.clone()
}
