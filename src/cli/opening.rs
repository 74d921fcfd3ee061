//! What a start prints first: the project, its services, and the things to know.

use super::launch::palette;
use super::listen::Served;
use super::plan::{Here, Plan};
use super::show::banner::{Banner, BannerRow, banner};
use super::start::StartArgs;
use super::{inherit, report, session, style};
use crate::diag::Diagnostic;

/// The project, its services, and the three things to know.
pub(super) fn print_banner(
    here: &Here,
    plan: &Plan,
    args: &StartArgs,
    served: Option<&Served>,
) -> Result<(), Diagnostic> {
    let mut text = banner_text(here, plan, false);
    if let Some(kept) = inherit::told(plan, args) {
        style::push_line(&mut text, &kept);
    }
    if let Some(served) = served {
        text.push_str(&served.lines(style::Paint::for_stdout()));
    }
    report::print_out(&text)
}

pub(super) fn banner_text(here: &Here, plan: &Plan, detached: bool) -> String {
    let names: Vec<String> = plan.instances.iter().map(|spec| spec.name.to_string()).collect();
    let rows = plan
        .instances
        .iter()
        .zip(&names)
        .filter(|(spec, _)| spec.policy.autostart)
        .map(|(spec, name)| BannerRow {
            name,
            position: spec.position,
            port: spec.port.as_ref().map(|(port, _)| *port),
            command: &spec.command,
        })
        .collect();
    let way = way_up(&here.cwd, &plan.project.root);
    let config = plan
        .project
        .config
        .path
        .strip_prefix(&plan.project.root)
        .unwrap_or(&plan.project.config.path);
    let palette = palette(plan);
    let colour = session::colour(&palette);
    banner(
        &Banner {
            project: &plan.title,
            root_from_here: way.as_deref(),
            config: &config.display().to_string(),
            rows,
            idle: names.first().map(String::as_str),
            detached,
        },
        style::stdout_width(),
        style::Paint::for_stdout(),
        &colour,
    )
}

/// `../..` from a directory below the root; the root itself from elsewhere; nothing in the root.
fn way_up(cwd: &std::path::Path, root: &std::path::Path) -> Option<String> {
    let cwd = cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned());
    match cwd.strip_prefix(root) {
        Ok(below) if below.as_os_str().is_empty() => None,
        Ok(below) => Some(vec![".."; below.components().count()].join("/")),
        Err(_) => Some(root.display().to_string()),
    }
}
