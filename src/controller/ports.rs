//! Looks who listens on the ports that services are about to get, and says so before they start.

use super::core::Controller;
use crate::logs::Tone;
use crate::model::{InstanceId, PortSource};
use crate::ports::{Listener, Project, is_still_taken, listeners_before_a_start, listening};
use std::collections::BTreeMap;

/// Somebody else's listener on the port of a service, seen before it started.
#[derive(Debug)]
pub(super) struct Taken {
    port: u16,
    /// `None` where it cannot be seen.
    holder: Option<u32>,
    pub(super) text: String,
}

impl Controller {
    /// Forgets the ports that have become free, or the services' own, so that nothing is told that is over. Asks no
    /// more than can be asked within the loop: who else has a port by now is not looked for.
    pub(super) fn look_at_taken_ports(&mut self) {
        let taken: Vec<(InstanceId, u16, Option<u32>)> = self
            .ids()
            // Of a service that has ended it stays the reason.
            .filter(|id| self.machine.state(*id).is_live())
            .filter_map(|id| {
                let taken = self.host(id).port_taken.as_ref()?;
                Some((id, taken.port, taken.holder))
            })
            .collect();
        if taken.is_empty() {
            return;
        }
        let listening = listening();
        for (instance, port, holder) in taken {
            let is_own = self.ports_of(instance).contains(&port);
            if is_own && holder.is_none() || !is_still_taken(port, holder, listening.as_deref()) {
                self.host_mut(instance).port_taken = None;
            }
        }
    }

    /// One look for all services that start with the session.
    pub(super) fn check_all_ports(&mut self) {
        let instances: Vec<_> = self
            .ids()
            .filter(|id| self.host(*id).spec.policy.autostart && !self.machine.state(*id).is_live())
            .collect();
        self.check_ports(&instances);
    }

    /// A look before a later start.
    pub(super) fn check_port(&mut self, instance: InstanceId) {
        // The first start of all has just been looked at.
        if self.progress.is_announced() {
            self.check_ports(&[instance]);
        }
    }

    fn check_ports(&mut self, instances: &[InstanceId]) {
        let wanted: BTreeMap<u16, InstanceId> = instances
            .iter()
            .filter_map(|id| self.host(*id).spec.port.as_ref().map(|(port, _)| (*port, *id)))
            .collect();
        for instance in instances {
            self.host_mut(*instance).port_taken = None;
        }
        if wanted.is_empty() {
            return;
        }
        let ports: Vec<u16> = wanted.keys().copied().collect();
        for listener in listeners_before_a_start(ports) {
            let Some(instance) = wanted.get(&listener.port).copied() else {
                continue;
            };
            // Its shim holds its sockets, for its next run as for the last.
            let shim = self.host(instance).shim.as_ref().map(|shim| shim.pid);
            if shim.is_some() && shim == listener.holder.as_ref().map(|holder| holder.pid) {
                continue;
            }
            // One sentence is enough where a program listens on several addresses.
            if self.host(instance).port_taken.is_some() {
                continue;
            }
            let source = self.host(instance).spec.port.as_ref().map(|(_, source)| source);
            let (text, advice) = (listener.to_string(), advice(&listener, source));
            self.say_at(instance, None, Tone::Alarm, &text);
            self.say_quietly(instance, &advice);
            let name = self.host(instance).name();
            self.progress.warn(format!("{name}: {text}"), advice);
            let pid = listener.holder.as_ref().map(|holder| holder.pid);
            self.tell_taken_port(instance, listener.port, pid, &text);
            self.host_mut(instance).port_taken = Some(Taken {
                port: listener.port,
                holder: listener.holder.map(|holder| holder.pid),
                text,
            });
        }
    }
}

/// What to do about a taken port: whose it is decides, and who chose it.
fn advice(listener: &Listener, source: Option<&PortSource>) -> String {
    let project = listener
        .holder
        .as_ref()
        .and_then(|holder| holder.project.as_ref());
    match (project, source) {
        (Some(Project { name, root }), Some(PortSource::Fixed { origin })) => format!(
            "it belongs to the project {name} · `ovr -s {root} quit` ends that one; this port is fixed in {origin}"
        ),
        (Some(Project { name, root }), Some(PortSource::Rule { .. }) | None) => format!(
            "it belongs to the project {name} · `ovr -s {root} quit` ends that one, `ovr start -p N` takes another base port"
        ),
        (None, Some(PortSource::Fixed { origin })) => {
            format!("end that process, or choose another port: it is fixed in {origin}")
        }
        (None, Some(PortSource::Rule { .. }) | None) => {
            "end that process, or take another base port: ovr start -p N".to_owned()
        }
    }
}
