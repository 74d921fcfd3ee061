//! Clients that want to be told when the session is another way than they know it: each asks for the status after a
//! revision, and is answered when there is a later one. However slow one is, it gets the newest, and delays nobody.

use super::clock;
use super::core::Controller;
use super::resources;
use crate::api::call::{Call, Reply, StatusRequest};
use crate::api::messages::Status;
use crate::model::InstanceId;

/// Who waits, and what has been so far.
#[derive(Debug)]
pub(super) struct Lookers {
    revision: u64,
    waiting: Vec<(StatusRequest, Reply<Status>)>,
    /// Those that waited for input when somebody last looked; nothing else tells when they do no more.
    asking: Vec<InstanceId>,
}

impl Lookers {
    /// Revisions count from `first` on: those of an earlier controller are none of them.
    pub(super) fn new(first: u64) -> Self {
        Self {
            revision: first,
            waiting: Vec::new(),
            asking: Vec::new(),
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Something is another way.
    pub(super) fn note_change(&mut self) {
        self.revision += 1;
    }
}

impl Controller {
    /// An instance is not as it was: its status line and whoever looks have to be told.
    pub(super) fn note_change_of(&mut self, instance: InstanceId) {
        self.stale_status.insert(instance);
        self.lookers.note_change();
    }

    /// Keeps a question back that is to be answered only when something has changed.
    pub(super) fn unless_unchanged(&mut self, call: Call) -> Option<Call> {
        match call {
            Call::Status { request, reply } if request.after == Some(self.lookers.revision) => {
                self.lookers.waiting.push((request, reply));
                None
            }
            call => Some(call),
        }
    }

    /// Answers those for whom something has changed. Once a turn; costs nothing where nobody waits.
    pub(super) fn answer_lookers(&mut self) {
        if self.lookers.waiting.is_empty() {
            return;
        }
        let asks = |id: &InstanceId| self.hub.waits_for_input(*id).is_some();
        let asking: Vec<InstanceId> = self.ids().filter(asks).collect();
        if asking != self.lookers.asking {
            self.lookers.asking = asking;
            self.lookers.note_change();
        }
        let revision = self.lookers.revision;
        for (request, reply) in std::mem::take(&mut self.lookers.waiting) {
            if request.after == Some(revision) {
                if !reply.is_closed() {
                    self.lookers.waiting.push((request, reply));
                }
            } else {
                let call = Call::Status { request, reply };
                if let Some(call) = self.after_a_look(call) {
                    self.answer_call(call);
                }
            }
        }
    }

    pub(super) fn answer_status(&self, request: &StatusRequest, reply: Reply<Status>) {
        let mut status = self.status();
        if !request.resources {
            drop(reply.send(Ok(status)));
            return;
        }
        let wanted = self.to_sample();
        tokio::task::spawn_blocking(move || {
            resources::add_to(&mut status, &wanted, clock::wall());
            drop(reply.send(Ok(status)));
        });
    }
}
