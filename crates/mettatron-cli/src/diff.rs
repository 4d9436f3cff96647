//! Two texts, line by line.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};

use crate::report::{Drawn, GREEN, RED, painted};

/// The lines that differ with some around them, as `diff -u` writes them: `-` what is there, `+` what should be.
pub(crate) fn unified(name: &str, old: &str, new: &str, stream: Drawn) -> String {
    let colours = stream.in_colour();
    let difference = TextDiff::from_lines(old, new);
    let mut out = String::new();
    for (number, hunk) in difference.unified_diff().context_radius(2).iter_hunks().enumerate() {
        if number == 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "--- {name}\n+++ {name}");
        }
        let _ = writeln!(out, "{}", hunk.header());
        for change in hunk.iter_changes() {
            out += &line(change.tag(), change.value(), colours);
        }
    }
    out
}

fn line(tag: ChangeTag, text: &str, colours: bool) -> String {
    let text = text.strip_suffix('\n').unwrap_or(text);
    match tag {
        ChangeTag::Delete => painted(&format!("-{text}"), RED, colours) + "\n",
        ChangeTag::Insert => painted(&format!("+{text}"), GREEN, colours) + "\n",
        ChangeTag::Equal => format!(" {text}\n"),
    }
}
