//! Names of files.

use super::Report;
use crate::workspace;

/// Whether a name can be typed anywhere without quotes.
fn is_plain(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
}

/// Files in the repository have plain names: others were put there by accident.
pub(super) fn check(report: &mut Report) {
    let mut command = std::process::Command::new("git");
    command.args(["ls-files", "-z"]).current_dir(workspace::root());
    // Where the source is no repository nothing gets in by accident.
    let Ok(listed) = command.output() else { return };
    let paths = String::from_utf8_lossy(&listed.stdout);
    for path in paths.split_terminator('\0').filter(|path| !is_plain(path)) {
        let found = "the name has characters other than a-z, A-Z, 0-9, `.`, `_` and `-`";
        report.error(path, "names", found, "rename or remove it");
    }
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn names_of_accidents_are_not_plain() {
        assert!(is_plain("crates/metta-eval/src/code/leaf.rs") && is_plain(".ci/run"));
        assert!(!is_plain("T (- 1 1)") && !is_plain("a b") && !is_plain("caf\u{e9}"));
    }
}
