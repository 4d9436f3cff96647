//! Links between Markdown files lead somewhere, and the README shows the test command.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::Report;
use crate::workspace;

/// The test command as the README gives it and as `ci` runs it.
const TEST_COMMAND: &str = "cargo test --workspace";

/// Checks every Markdown file of the tree.
pub(super) fn check(report: &mut Report) -> Result<()> {
    let root = workspace::root();
    for path in workspace::files(root, "md")? {
        let text = fs::read_to_string(&path)?;
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let dir = path.parent().unwrap_or(root);
        for (line, target) in targets(&text) {
            if !exists(dir, target) {
                let place = format!("{shown}:{line}");
                report.error(&place, "links", &format!("`{target}` does not exist"), "correct the link");
            }
        }
        if shown == "README.md" && !text.contains(TEST_COMMAND) {
            let mend = format!("show `{TEST_COMMAND}`");
            report.error(&shown, "readme", "the test command is not what `cargo xtask ci` runs", &mend);
        }
    }
    Ok(())
}

/// Whether a link out of a file in `dir` leads to a file; addresses and anchors are not looked at.
fn exists(dir: &Path, target: &str) -> bool {
    let file = target.split('#').next().unwrap_or_default();
    file.is_empty() || file.contains("://") || file.starts_with("mailto:") || dir.join(file).exists()
}

/// The targets of `[text](target)` outside of code, with their lines.
pub(crate) fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            // What stands between an even number of backquotes and the next is prose.
            for prose in line.split('`').step_by(2) {
                let parts = prose.split("](").skip(1);
                found.extend(parts.filter_map(|part| Some((index + 1, part.split_once(')')?.0))));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "a [b](c.md) `[x](y)`\n```\n[no](no.md)\n```\n[d](e.md#f)\n";
        assert_eq!(targets(text), [(1, "c.md"), (5, "e.md#f")]);
        assert!(exists(Path::new("."), "#f") && exists(Path::new("."), "https://example.org/x"));
        assert!(!exists(Path::new("."), "no-such-file.md"));
    }
}
