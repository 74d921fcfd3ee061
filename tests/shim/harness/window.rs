//! What a person would see of the window, and type into it.

use super::Pane;
use crate::processes::DEADLINE;
use crate::stream::{contains, find, read_along};
use ovr::model::RunId;
use ovr::model::mark::Mark;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

impl Pane {
    /// Types on the pane's keyboard.
    pub(crate) fn type_keys(&self, keys: &[u8]) {
        let mut file = File::from(
            self.master
                .as_ref()
                .unwrap()
                .as_fd()
                .try_clone_to_owned()
                .unwrap(),
        );
        file.write_all(keys).unwrap();
    }

    /// Waits until the pane's stream holds `text`, and returns the whole stream.
    pub(crate) fn wait_for(&mut self, text: impl AsRef<[u8]>) -> Vec<u8> {
        let text = text.as_ref();
        let until = Instant::now() + DEADLINE;
        while !contains(&self.output, text) {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(chunk) = self.chunks.recv_timeout(left) else {
                panic!(
                    "{:?} never came; got:
{}",
                    String::from_utf8_lossy(text),
                    self.shown()
                );
            };
            self.output.extend(chunk);
        }
        self.output.clone()
    }

    /// Waits for a mark of this shim.
    pub(crate) fn wait_for_mark(&mut self, mark: Mark) -> Vec<u8> {
        self.wait_for(mark.encode(&self.hello.nonce.clone()))
    }

    /// What a run printed: between its marks.
    pub(crate) fn output_of(&mut self, run: u64) -> String {
        let nonce = self.hello.nonce.clone();
        let all = self.wait_for_mark(Mark::RunEnds(RunId(run)));
        let begin = Mark::RunBegins(RunId(run)).encode(&nonce);
        let end = Mark::RunEnds(RunId(run)).encode(&nonce);
        let from = find(&all, &begin).expect("the run's begin is marked") + begin.len();
        let to = find(&all, &end).expect("waited for");
        String::from_utf8_lossy(&all[from..to]).into_owned()
    }

    pub(super) fn shown(&mut self) -> String {
        self.output.extend(self.chunks.try_iter().flatten());
        String::from_utf8_lossy(&self.output).escape_debug().to_string()
    }

    /// Stops reading the pane's output: it fills up.
    pub(crate) fn stop_reading(&mut self) {
        if let Some((stop, thread)) = self.reader.take() {
            drop(stop);
            thread.join().unwrap();
        }
    }

    /// Reads the pane's output again.
    pub(crate) fn go_on_reading(&mut self) {
        self.output.extend(self.chunks.try_iter().flatten());
        let (reader, chunks) = read_along(Arc::clone(self.master.as_ref().unwrap()));
        self.reader = Some(reader);
        self.chunks = chunks;
    }
}
