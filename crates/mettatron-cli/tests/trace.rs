//! The files that traces write.

use std::collections::HashMap;
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

#[test]
fn a_timeline_has_a_lane_for_each_thread_and_every_span_ends() {
    let folder = tempfile::tempdir().unwrap();
    let loops = "(= (work $n) (if (== $n 0) done (work (- $n 1))))";
    let program = (0..60).fold(loops.to_owned(), |text, n| format!("{text} !(work {})", 20_000 + n));
    let arguments = ["run", "--jobs", "2", "--perfetto", "timeline.json", "-e", &program];
    assert_eq!(mettatron(folder.path(), &arguments).lines().count(), 60);
    let text = std::fs::read_to_string(folder.path().join("timeline.json")).unwrap();
    let timeline: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (mut open, mut begun) = (HashMap::<u64, Vec<String>>::new(), HashMap::<String, usize>::new());
    let mut lanes = Vec::new();
    for event in timeline["traceEvents"].as_array().unwrap() {
        let (lane, name) = (event["tid"].as_u64().unwrap(), event["name"].as_str().unwrap().to_owned());
        match event["ph"].as_str().unwrap() {
            "M" => lanes.push(lane),
            "B" => {
                *begun.entry(name.clone()).or_default() += 1;
                open.entry(lane).or_default().push(name);
            }
            "E" => assert_eq!(open.entry(lane).or_default().pop(), Some(name)),
            other => panic!("{other}"),
        }
    }
    assert!(open.values().all(Vec::is_empty) && open.keys().all(|lane| lanes.contains(lane)), "{text}");
    assert_eq!((begun["batch"], begun["commit"]), (1, 60));
    assert!(begun["expression"] >= 60);
}
