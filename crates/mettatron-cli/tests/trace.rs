//! The page of a trace.

use std::process::Command;

#[cfg(test)]
fn mettatron(folder: &std::path::Path, args: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_mettatron")).current_dir(folder).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_page_has_every_line_and_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    // Deeper than elements of a page can be nested.
    let program = "(= (sum $n) (if (== $n 0) \"<0>\" (pair $n (sum (- $n 1))))) !(sum 900) !(sum 1)";
    let text = mettatron(folder.path(), &["trace", "-e", program]);
    let printed = mettatron(folder.path(), &["trace", "-e", program, "--html", "page.html"]);
    assert_eq!(printed, "");
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with(['[', ';'])).count();
    assert!(lines > 3_000);
    assert_eq!(page.matches("<div class=\"").count() - page.matches("class=\"tree\"").count(), lines);
    assert_eq!(page.matches("<section>").count(), 2);
    assert!(page.contains("<code>&quot;&lt;0&gt;&quot;</code>"));
    assert!(page.contains("data-d=\"900\""));
    for outside in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}
