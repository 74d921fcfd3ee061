//! The first lines of `ovr start`: the project, one row a service, and the three things to know.

use super::{NameColour, count};
use crate::cli::style::{Paint, fit, pad, plain, push_line, width};

/// More rows than this would push the first ones off the screen.
const MOST_ROWS: usize = 40;

/// What there is to say when a session starts.
#[derive(Clone, Debug)]
pub struct Banner<'a> {
    pub project: &'a str,
    /// The way from here to the project's root, where they differ (`../..`).
    pub root_from_here: Option<&'a str>,
    /// The configuration, relative to the root.
    pub config: &'a str,
    /// Those that start by themselves.
    pub rows: Vec<BannerRow<'a>>,
    /// One that does not.
    pub idle: Option<&'a str>,
    pub detached: bool,
}

/// One service that starts.
#[derive(Clone, Debug)]
pub struct BannerRow<'a> {
    pub name: &'a str,
    /// Its service's place in the file.
    pub position: u32,
    pub port: Option<u16>,
    pub command: &'a str,
}

/// The banner in `limit` columns.
pub fn banner(banner: &Banner<'_>, limit: usize, paint: Paint, colour: NameColour<'_>) -> String {
    let place = banner
        .root_from_here
        .map_or(String::new(), |way| format!(" ({way})"));
    let title = plain(banner.project);
    let mut out = format!(
        "{}{place} · {} · {}\n",
        paint.bold(&title),
        plain(banner.config),
        count(banner.rows.len(), "service")
    );
    let shown = if banner.rows.len() > MOST_ROWS + 1 {
        MOST_ROWS
    } else {
        banner.rows.len()
    };
    let rows = &banner.rows[..shown];
    let name_width = rows.iter().map(|row| width(row.name)).max().unwrap_or(0);
    let name_width = name_width.min((limit / 3).max(8));
    let port_width = rows.iter().map(|row| width(&port(row))).max().unwrap_or(0);
    for row in rows {
        let name = pad(&fit(row.name, name_width), name_width);
        let used = 2 + name_width + 2 + port_width + 2;
        let command = fit(&plain(row.command), limit.saturating_sub(used));
        push_line(
            &mut out,
            &format!(
                "  {}  {}  {command}",
                paint.sgr(&colour(row.position), &name),
                pad(&port(row), port_width)
            ),
        );
    }
    if shown < banner.rows.len() {
        let hidden = banner.rows.len() - shown;
        push_line(&mut out, &format!("  … {hidden} more · ovr status lists all"));
    }
    let idle = banner.idle.filter(|_| rows.is_empty());
    if let Some(name) = idle {
        push_line(
            &mut out,
            &format!("  nothing starts by itself · ovr start {name}"),
        );
    }
    let first = rows.first().map_or(idle.unwrap_or("NAME"), |row| row.name);
    let last = if banner.detached {
        format!("ovr connect {first} · ovr echo · ovr quit")
    } else {
        format!("ovr connect {first} · ovr status · Ctrl-C stops all")
    };
    out.push_str(&paint.dim(&last));
    out.push('\n');
    out
}

fn port(row: &BannerRow<'_>) -> String {
    row.port.map_or("-".to_owned(), |port| port.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Banner, BannerRow, banner};
    use crate::cli::style::{Paint, width};

    fn row<'a>(name: &'a str, position: u32, port: Option<u16>, command: &'a str) -> BannerRow<'a> {
        BannerRow {
            name,
            position,
            port,
            command,
        }
    }

    fn shop(rows: Vec<BannerRow<'_>>) -> Banner<'_> {
        Banner {
            project: "shop",
            root_from_here: None,
            config: "Procfile",
            rows,
            idle: Some("console"),
            detached: false,
        }
    }

    #[test]
    fn where_nothing_starts_by_itself_the_banner_says_what_can_be_started() {
        let text = banner(&shop(Vec::new()), 80, Paint::PLAIN, &|_| String::new());
        assert_eq!(
            text,
            "shop · Procfile · 0 services\n  nothing starts by itself · ovr start console\n\
             ovr connect console · ovr status · Ctrl-C stops all\n"
        );
    }

    #[test]
    fn the_banner_has_a_row_a_service_and_three_things_to_know() {
        let rows = vec![
            row("web", 0, Some(5000), "bin/rails server -b 127.0.0.1"),
            row("worker", 1, None, "bin/jobs"),
        ];
        assert_eq!(
            banner(&shop(rows), 80, Paint::PLAIN, &|_| String::new()),
            "shop · Procfile · 2 services\n\
             \x20 web     5000  bin/rails server -b 127.0.0.1\n\
             \x20 worker  -     bin/jobs\n\
             ovr connect web · ovr status · Ctrl-C stops all\n"
        );
    }

    #[test]
    fn names_have_their_colour_and_a_subdirectory_is_told() {
        let mut shop = shop(vec![row("web", 3, None, "x")]);
        shop.root_from_here = Some("../..");
        shop.detached = true;
        let out = banner(&shop, 80, Paint::COLOUR, &|position| (31 + position).to_string());
        assert!(out.contains("\x1b[34mweb\x1b[0m"), "{out:?}");
        assert!(out.contains(" (../..) ·"));
        assert!(out.contains("ovr connect web · ovr echo · ovr quit"));
    }

    #[test]
    fn three_hundred_services_and_long_commands_stay_on_the_screen() {
        let names: Vec<String> = (0..300).map(|n| format!("service-{n}")).collect();
        let long = "x".repeat(500);
        let rows = names.iter().map(|name| row(name, 0, Some(5000), &long)).collect();
        let out = banner(&shop(rows), 80, Paint::PLAIN, &|_| String::new());
        assert_eq!(out.lines().count(), 43);
        assert!(out.contains("… 260 more"));
        assert!(out.lines().all(|line| width(line) <= 80), "{out}");
    }
}
