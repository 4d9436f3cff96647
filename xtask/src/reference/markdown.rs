//! Texts, names and types as Markdown.

use mettatron::syntax::parse;

/// Plain text as Markdown that shows the same.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_{}[]<>|$#&~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A word or type as code, which may stand in a table.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// The name of the place that describes `name`.
pub(super) fn anchor(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            _ if c.is_ascii_alphanumeric() => out.push(c.to_ascii_lowercase()),
            '-' | '_' | ' ' if !out.is_empty() => out.push('-'),
            '-' => out.push_str("minus"),
            '+' => out.push_str("plus"),
            '*' => out.push_str("star"),
            '/' => out.push_str("slash"),
            '%' => out.push_str("percent"),
            '<' => out.push_str("less"),
            '>' => out.push_str("greater"),
            '=' => out.push_str("equal"),
            _ => {}
        }
    }
    out
}

/// A program with one form a line.
pub(super) fn program(text: &str) -> String {
    let forms = parse(text, &()).forms;
    let lines: Vec<&str> = forms.iter().map(|form| text[form.span.start..form.span.end].trim()).collect();
    lines.join("\n")
}

/// The types of `count` parameters and of the result, by the first function type that has so many.
pub(super) fn signature(types: &[String], count: usize) -> Vec<String> {
    let parts = |text: &String| -> Option<Vec<String>> {
        let form = parse(text, &()).forms.pop()?;
        let (head, parts) = form.atom.children()?.split_first()?;
        (head.as_symbol() == Some("->")).then(|| parts.iter().map(ToString::to_string).collect())
    };
    let fitting = types.iter().filter_map(parts).find(|parts| parts.len() == count + 1);
    fitting.unwrap_or_else(|| vec!["%Undefined%".to_owned(); count + 1])
}

/// A printed type with variables as they were written: `$t` for `$t#12`.
pub(super) fn without_numbers(printed: &str) -> String {
    let mut parts = printed.split('#');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("a_b <c> $d | `e`"), "a\\_b \\<c\\> \\$d \\| \\`e\\`");
        assert_eq!(code("a|b"), "`a\\|b`");
    }

    #[test]
    fn anchors_are_words() {
        let names = ["car-atom", "-", "let*", "<=", "@doc", "(@kind atom)", "println!"];
        let anchors = ["car-atom", "minus", "letstar", "lessequal", "doc", "kind-atom", "println"];
        assert_eq!(names.map(anchor), anchors);
    }

    #[test]
    fn types_are_taken_apart() {
        let types = ["A", "(-> (->) B)", "(-> $t (List $t) C)"].map(str::to_owned);
        assert_eq!(signature(&types, 2), ["$t", "(List $t)", "C"]);
        assert_eq!(signature(&types, 0), ["%Undefined%"]);
        assert_eq!(without_numbers("(-> $t#1 (List $t#12) C)"), "(-> $t (List $t) C)");
    }

    #[test]
    fn programs_have_one_form_a_line() {
        assert_eq!(program("(= (f) 1) !(f) ! (g)"), "(= (f) 1)\n!(f)\n! (g)");
    }
}
