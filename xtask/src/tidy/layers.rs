//! Crates depend downwards, or to the left within a layer.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};

use super::Report;
use crate::workspace::{self, Member};

/// The order, left to right, of crates that share a layer and may use each other.
/// One that is not listed uses none of its own layer.
const ROWS: &[&[&str]] = &[&["metta-sync", "metta-config"], &["metta-atom", "metta-syntax"]];

const BEGIN: &str = "<!-- layers:begin (cargo xtask tidy --fix) -->";
const END: &str = "<!-- layers:end -->";

/// Checks every edge between members.
pub(super) fn check(members: &[Member], report: &mut Report) {
    for member in members {
        let place = format!("{}/Cargo.toml", member.dir.display());
        let Some(layer) = member.layer else {
            report.error(&place, "layer", "the crate states no layer", "add `[package.metadata] layer = N`");
            continue;
        };
        for used in members.iter().filter(|other| member.uses.contains(&other.name)) {
            let Some(below) = used.layer else { continue };
            if below > layer || (below == layer && !is_left(&used.name, &member.name)) {
                let found = format!("layer {layer} uses `{}` of layer {below}", used.name);
                let mend = "move what is shared down, or what uses it up; arrows point down or to the left";
                report.error(&place, "layer", &found, mend);
            }
        }
    }
}

/// Whether `a` stands to the left of `b` in a row.
fn is_left(a: &str, b: &str) -> bool {
    ROWS.iter().any(|row| {
        let at = |name| row.iter().position(|it| *it == name);
        matches!((at(a), at(b)), (Some(a), Some(b)) if a < b)
    })
}

/// Checks, or with `fix` rewrites, the diagram in ARCHITECTURE.md.
pub(super) fn check_diagram(members: &[Member], fix: bool, report: &mut Report) -> Result<()> {
    let path = workspace::root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(&path).context("cannot read ARCHITECTURE.md")?;
    let parts = text.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?)));
    let Some((head, (_, tail))) = parts else {
        let mend = format!(
            "put the lines `{BEGIN}` and `{END}` where it belongs, then run `cargo xtask tidy --fix`"
        );
        report.error("ARCHITECTURE.md", "diagram", "no place for the layer diagram", &mend);
        return Ok(());
    };
    let redrawn = format!("{head}{BEGIN}\n```text\n{}```\n{END}{tail}", diagram(members));
    if redrawn == text {
        return Ok(());
    }
    if fix {
        fs::write(&path, redrawn).context("cannot write ARCHITECTURE.md")?;
        println!("ARCHITECTURE.md: redrawn");
    } else {
        let mend = "run `cargo xtask tidy --fix` and read the difference";
        report.error(
            "ARCHITECTURE.md",
            "diagram",
            "the layer diagram is not what Cargo.toml files say",
            mend,
        );
    }
    Ok(())
}

/// One line a crate, highest layer first, with what it uses.
fn diagram(members: &[Member]) -> String {
    let mut rows: Vec<_> = members.iter().filter_map(|member| Some((member.layer?, member))).collect();
    rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
    let width = rows.iter().map(|(_, member)| member.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    let mut above = None;
    for (layer, member) in rows {
        if above.is_some_and(|above| above != layer) {
            out.push_str("   |\n");
        }
        above = Some(layer);
        let uses = member.uses.join(", ");
        let arrow = if uses.is_empty() { "" } else { " -> " };
        let line = format!("{layer:>2} | {:width$}{arrow}{uses}", member.name);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, layer: u64, uses: &[&str]) -> Member {
        let uses = uses.iter().map(|name| (*name).to_owned()).collect();
        Member { name: name.into(), dir: name.into(), layer: Some(layer), is_library: true, uses }
    }

    fn errors(members: &[Member]) -> Vec<String> {
        let mut report = Report::default();
        check(members, &mut report);
        report.errors
    }

    #[test]
    fn arrows_point_down_or_left() {
        let fine = [
            member("metta-sync", 0, &[]),
            member("metta-config", 0, &["metta-sync"]),
            member("metta-atom", 1, &["metta-sync"]),
        ];
        assert_eq!(errors(&fine), [""; 0]);
        let up = [member("metta-sync", 0, &["metta-atom"]), member("metta-atom", 1, &[])];
        assert_eq!(errors(&up).len(), 1);
        let right = [member("metta-sync", 0, &["metta-config"]), member("metta-config", 0, &[])];
        assert_eq!(errors(&right).len(), 1);
        let unlisted = [member("a", 4, &[]), member("b", 4, &["a"])];
        assert!(errors(&unlisted)[0].contains("layer 4 uses `a` of layer 4"));
    }

    #[test]
    fn the_diagram_lists_every_crate_once() {
        let drawn = diagram(&[member("low", 0, &[]), member("higher", 3, &["low"])]);
        assert_eq!(drawn, " 3 | higher -> low\n   |\n 0 | low\n");
    }
}
