//! What goes wrong on the way to the disk, in sentences for whoever shows them. The words are the writer's.

use tokio::sync::mpsc;

/// What a person has to know about the files: each text is a sentence.
#[derive(Debug)]
pub struct Troubles {
    sentences: mpsc::UnboundedReceiver<String>,
}

impl Troubles {
    pub(super) fn new(sentences: mpsc::UnboundedReceiver<String>) -> Self {
        Self { sentences }
    }

    /// The next sentence; never if there is none. May be cancelled and asked again.
    pub async fn next(&mut self) -> String {
        match self.sentences.recv().await {
            Some(sentence) => sentence,
            None => std::future::pending().await,
        }
    }

    /// Those told by now, for whoever will not ask again.
    pub fn rest(mut self) -> impl Iterator<Item = String> {
        std::iter::from_fn(move || self.sentences.try_recv().ok())
    }
}
