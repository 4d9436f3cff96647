//! What only a running process shows: pipes, signals, streaming.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

#[cfg(test)]
fn start(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_mettatron"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A rule whose call never ends.
const FOREVER: &str = "(= (forever) (forever))";

#[test]
fn a_reader_that_leaves_ends_the_run_quietly() {
    for jobs in ["1", "4"] {
        let program = format!("{FOREVER} !(+ 1 1) !(+ 2 2) {} !(forever)", "!(println! more)".repeat(20_000));
        let mut child = start(&["-", "--jobs", jobs]);
        child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
        let mut first = String::new();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        reader.read_line(&mut first).unwrap();
        assert_eq!(first, "[2]\n");
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn results_come_while_the_program_runs() {
    for jobs in ["1", "4"] {
        let mut child = start(&["-e", &format!("{FOREVER} !(+ 1 1) !(forever)"), "--jobs", jobs]);
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!(first, "[2]\n");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_run() {
    for jobs in ["1", "4"] {
        let mut child = start(&["-e", &format!("{FOREVER} !(+ 1 1) !(forever)"), "--jobs", jobs]);
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        reader.read_line(&mut String::new()).unwrap();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}

#[cfg(unix)]
#[test]
fn a_quit_signal_tells_what_the_threads_do_and_ends_nothing() {
    for jobs in ["1", "4"] {
        let mut child = start(&["-e", &format!("{FOREVER} !(+ 1 1)"), "-e", "!(forever)", "--jobs", jobs]);
        let mut results = BufReader::new(child.stdout.take().unwrap());
        results.read_line(&mut String::new()).unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let id = child.id().to_string();
        let mut seen = Vec::new();
        // It may be asked before the last expression has begun.
        while seen.len() < 100 && !seen.iter().any(|line: &String| line.contains("expression:1:1")) {
            assert!(Command::new("kill").args(["-QUIT", &id]).status().unwrap().success());
            let mut head = String::new();
            errors.read_line(&mut head).unwrap();
            let n: usize =
                head.strip_prefix("mettatron: ").unwrap().split(' ').next().unwrap().parse().unwrap();
            for _ in 0..n {
                let mut line = String::new();
                errors.read_line(&mut line).unwrap();
                seen.push(line);
            }
        }
        let line = seen.last().unwrap();
        assert!(line.contains(" reductions, ") && line.ends_with(" s\n"), "{line}");
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn any_number_of_jobs_writes_the_same() {
    let mut program = "(= (sum $n) (if (== $n 0) 0 (+ $n (sum (- $n 1)))))".to_owned();
    for i in 0..200 {
        program += &match i % 10 {
            7 => format!("!(println! {i})"),
            8 => format!("!(add-atom &self (seen {i}))"),
            9 => "!(match &self (seen $x) $x)".to_owned(),
            _ => format!("!(sum {i})"),
        };
    }
    let outputs: Vec<_> = ["1", "2", "8", "64"]
        .iter()
        .map(|jobs| {
            let mut child = start(&["-", "--jobs", jobs]);
            child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0));
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    assert_eq!(outputs[0].lines().count(), 220);
    assert!(outputs[0].contains("\n7\n[()]\n"));
    assert!(outputs.iter().all(|output| *output == outputs[0]));
}

#[test]
fn a_million_nested_calls_end() {
    let program = "(= (count $n) (if (== $n 0) done (count (- $n 1))))
                   (= (sum $n) (if (== $n 0) 0 (+ $n (sum (- $n 1)))))
                   !(count 1000000)
                   !(sum 1000000)";
    let output = start(&["-e", program, "--memory", "2G"]).wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[done]\n[500000500000]\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_endless_recursion_ends_in_bounded_memory() {
    let program = "(= (deep $n) (+ 1 (deep $n))) !(deep 1)";
    let output = start(&["-e", program, "--memory", "100M"]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the memory limit"));
}

/// A term of some hundred cells whose text would have 2^60 letters.
#[test]
fn a_text_without_end_is_a_limit() {
    let nested = format!("{}Z{}", "(S ".repeat(60), ")".repeat(60));
    let rules = "(= (g Z $x) $x) (= (g (S $n) $x) (g $n (b $x $x)))";
    for (body, limit, code) in [
        (format!("!(+ 1 1) !(g {nested} a)"), "100M", "E0303"),
        (format!("!(+ 1 1) !(let $y (g {nested} a) (println! $y))"), "100M", "E0303"),
        (format!("!(+ 1 1) !(let $y (g {nested} a) (add-atom &self $y))"), "100M", "E0303"),
        (format!("!(+ 1 1) !(g {nested} a)"), "1000G", "E0306"),
    ] {
        for jobs in ["1", "4"] {
            let program = format!("{rules} {body} !(+ 2 2)");
            let output =
                start(&["-e", &program, "--memory", limit, "--jobs", jobs]).wait_with_output().unwrap();
            assert!(output.stdout == b"[2]\n", "{} bytes", output.stdout.len());
            assert!(String::from_utf8_lossy(&output.stderr).contains(code), "{body}");
            assert_eq!(output.status.code(), Some(3));
        }
    }
}

/// Programs made to be hard to read or to walk; the answer comes on a line for each `!`.
#[test]
fn extreme_programs_have_answers() {
    let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
    let nested = format!("{}7{close}", "(g ".repeat(100_000));
    let word = "w".repeat(1_000_000);
    let digits = "9".repeat(100_000);
    let wide = "b ".repeat(1_000_000);
    let cases = [
        (format!("!{open}a{close}"), format!("[{open}a{close}]\n")),
        (
            format!("(= (f {nested}) found) !(f {nested}) !(== {nested} {nested})"),
            "[found]\n[True]\n".to_owned(),
        ),
        (format!("{nested} !(match &self (g $x) found)"), "[found]\n".to_owned()),
        (format!("({word} 1) !(match &self ({word} $x) $x)"), "[1]\n".to_owned()),
        (format!("!(- (+ {digits} 1) {digits})"), "[1]\n".to_owned()),
        (format!("!(size-atom ({wide}))"), "[1000000]\n".to_owned()),
    ];
    for (program, expected) in cases {
        let mut child = start(&["-"]);
        let mut input = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || input.write_all(program.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert!(output.stdout == expected.as_bytes(), "expected {} bytes", expected.len());
    }
}

#[test]
fn tests_are_told_to_build_servers() {
    let folder = tempfile::tempdir().unwrap();
    let (program, report) = (folder.path().join("tests.metta"), folder.path().join("out.xml"));
    std::fs::write(&program, "!(+ 1 2) ; => [3]\n!(+ 1 \"<&>\") ; => [4]\n").unwrap();
    let (program, report) = (program.to_str().unwrap(), report.to_str().unwrap());
    let output = start(&["test", "--quiet", "--junit", report, program]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let xml = std::fs::read_to_string(report).unwrap();
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"), "{xml}");
    assert!(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{xml}");
    assert!(xml.contains("name=\"!(+ 1 &quot;&lt;&amp;&gt;&quot;)\""), "{xml}");
    assert!(xml.contains("<failure type=\"E0701\""), "{xml}");
    assert_eq!(xml.matches("<testcase").count(), 2);
}

#[test]
fn places_in_long_lines_are_shown() {
    let words = "word ".repeat(100_000);
    let program = format!("!(list {words}(/ 1 0)) ; {words}");
    for flags in [&["-"][..], &["check", "-"]] {
        let mut child = start(flags);
        let mut input = child.stdin.take().unwrap();
        let program = program.replace("(/ 1 0)", "(+ 1 \"x\")");
        let writer = std::thread::spawn(move || input.write_all(program.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(
            shown.contains("standard input:1:500013") && shown.contains("word (+ 1 \"x\")) ; word"),
            "{shown}"
        );
        assert!(shown.lines().all(|line| line.chars().count() < 400), "{shown}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn files_that_are_no_programs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (binary, near) = (folder.path().join("picture.metta"), folder.path().join("pitcure.metta"));
    std::fs::write(&binary, b"\x89PNG\r\n\x1a\n\0\0\xff\xfe(\xff".repeat(100)).unwrap();
    let (binary, near) = (binary.to_str().unwrap(), near.to_str().unwrap());
    for command in ["run", "check", "test"] {
        let output = start(&[command, binary]).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(shown.contains("binary file") && shown.matches("E0108").count() == 1, "{command}: {shown}");
        let output = start(&[command, near]).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        let shown = String::from_utf8(output.stderr).unwrap();
        assert!(shown.contains(&format!("did you mean `{binary}`?")), "{command}: {shown}");
    }
    let output = start(&[folder.path().to_str().unwrap()]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("is a folder"));
}

/// Every command that writes is fine when whoever reads has seen enough.
#[test]
fn a_closed_pipe_is_no_failure() {
    for args in [
        &["man"][..],
        &["completions", "zsh"],
        &["doc"],
        &["explain"],
        &["--print-config"],
        &["-e", "!(+ 1 2)"],
    ] {
        let mut child = start(args);
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

/// Colours are for terminals: a pipe gets none, whatever the environment says.
#[test]
fn a_pipe_gets_no_colours() {
    for args in
        [&["-e", "!(/ 1 0)"][..], &["check", "nowhere"], &["--help"], &["doc", "if"], &["explain", "E0501"]]
    {
        let output = start(args).wait_with_output().unwrap();
        assert!(![output.stdout, output.stderr].concat().contains(&0x1b), "{args:?}");
    }
}
