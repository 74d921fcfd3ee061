//! The file that an instance's output goes to besides our own, if one was asked for.

use super::super::project::{LogDef, RotationDef};
use super::Drafting;
use super::texts::Texts;
use crate::model::{LogFile, LogPart, LogRotation};

/// What Process Compose puts in for an instance's number, besides templates.
const NUMBER: &str = "{PC_REPLICA_NUM}";
/// What its lines' times look like where nothing else is written.
const TIMESTAMP: &str = "2006-01-02T15:04:05Z07:00";
const PARTS: [LogPart; 3] = [LogPart::Time, LogPart::Level, LogPart::Message];
/// Where a rotation names no size.
const MAX_SIZE_MB: u64 = 100;

impl Drafting<'_> {
    pub(super) fn log_file(&self, texts: &mut Texts) -> Option<LogFile> {
        let def = &self.configuration.def;
        let own = self.service.log_location.as_ref();
        let location = own.or(def.log_location.as_ref())?;
        let mut written = texts.value(location);
        if written.is_empty() {
            return None;
        }
        let replica = self.number - 1;
        // The template has the number already where it is asked for.
        if own.is_some() && self.is_one_of_many() && !location.value.contains("PC_REPLICA_NUM") {
            written = format!("{written}.{replica}");
        }
        let written = written.replace(NUMBER, &replica.to_string());
        let base = match (&self.service.base, own) {
            (Some(base), Some(_)) => self.options.root.join(base),
            (Some(_) | None, _) => self.options.root.clone(),
        };
        let log = self.service.log_configuration.as_ref();
        let log = log
            .or(def.log_configuration.as_ref())
            .cloned()
            .unwrap_or_default();
        let timestamp = log.timestamp_format.as_ref();
        let timestamp = timestamp.map_or(TIMESTAMP, |format| format.value.as_str());
        Some(LogFile {
            path: self.options.path(&base, &written),
            process: self.name.to_string(),
            replica,
            json: !log.disable_json,
            metadata: !log.no_metadata,
            timestamp: log.add_timestamp.then(|| timestamp.to_owned()),
            parts: parts(&log),
            rotation: log.rotation.as_ref().map(rotation),
        })
    }

    fn is_one_of_many(&self) -> bool {
        let own = |outline: &&super::Outline<'_>| std::ptr::eq(outline.service, self.service);
        self.outlines
            .iter()
            .find(own)
            .is_some_and(|outline| outline.instances.len() > 1)
    }
}

fn parts(log: &LogDef) -> Vec<LogPart> {
    let written = log.fields_order.clone().filter(|parts| !parts.is_empty());
    written.unwrap_or_else(|| PARTS.to_vec())
}

fn rotation(def: &RotationDef) -> LogRotation {
    let megabytes = def.max_size_mb.filter(|size| *size > 0).unwrap_or(MAX_SIZE_MB);
    LogRotation {
        max_size: megabytes.saturating_mul(1024 * 1024),
        max_backups: def.max_backups.map_or(0, |count| count as usize),
        max_age_days: def.max_age_days.unwrap_or(0),
        compress: def.compress,
    }
}
