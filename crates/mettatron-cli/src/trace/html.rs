//! Traces as a page: one file, which needs nothing else.

use super::{Kind, Line, Tree};
use crate::markup::escaped;

/// An expression with what is known about it.
pub(crate) struct Shown<'t> {
    /// Where it is written.
    pub(crate) place: String,
    pub(crate) tree: &'t Tree,
    /// What the program printed meanwhile.
    pub(crate) printed: Vec<String>,
    /// The result list, unless the run ended before.
    pub(crate) results: Option<String>,
}

/// Returns a page with the trees of some expressions.
pub(crate) fn page(title: &str, shown: &[Shown<'_>]) -> String {
    let title = escaped(title);
    let mut body = String::new();
    for expression in shown {
        section(&mut body, expression);
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}: trace</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<header><h1>{title}</h1>\n\
         <button id=\"open\">expand all</button> <button id=\"close\">collapse all</button>\n\
         <input id=\"find\" type=\"search\" placeholder=\"find a term\" aria-label=\"find a term\"> \
         <span id=\"found\"></span></header>\n{body}<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

fn section(body: &mut String, Shown { place, tree, printed, results }: &Shown<'_>) {
    body.push_str(&format!("<section>\n<h2>{}</h2>\n<div class=\"tree\">\n", escaped(place)));
    let lines = tree.lines();
    for (at, Line { depth, kind, text }) in lines.iter().enumerate() {
        let (class, mark) = match kind {
            Kind::Term => ("term", ""),
            Kind::Leaf => ("leaf", ""),
            Kind::Became => ("became", "="),
            Kind::Gave => ("gave", "\u{21d2}"),
            Kind::Failed => ("failed", "fails"),
            Kind::Or => ("or", "or"),
        };
        let folds = lines.get(at + 1).is_some_and(|next| next.depth > *depth);
        let class = if folds { format!("{class} folds") } else { class.to_owned() };
        let text = escaped(text);
        body.push_str(&format!(
            "<div class=\"{class}\" data-d=\"{depth}\"><i></i><b>{mark}</b><code>{text}</code></div>\n"
        ));
    }
    body.push_str("</div>\n");
    if tree.left_out() > 0 {
        body.push_str(&format!("<p class=\"note\">{} reductions more are not shown.</p>\n", tree.left_out()));
    }
    for line in printed {
        body.push_str(&format!("<p class=\"printed\">{}</p>\n", escaped(line)));
    }
    let results = results.as_deref().unwrap_or("no results: the run ended before");
    body.push_str(&format!("<p class=\"results\">{}</p>\n</section>\n", escaped(results)));
}

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8884; --dim: #888; --term: #1257a8; --gave: #19733a; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --term: #7fb4f5; --gave: #74c98f; --bad: #f2938c; } }
body { font: 14px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 0 16px 48px; }
header { position: sticky; top: 0; background: Canvas; padding: 8px 0; border-bottom: 1px solid var(--line); z-index: 1; }
h1 { font-size: 18px; display: inline-block; margin: 0 16px 0 0; }
h2 { font-size: 14px; color: var(--dim); margin: 24px 0 4px; font-weight: 600; }
button, input { font: inherit; padding: 2px 8px; }
code, b, .results, .printed { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: 13px; }
code { white-space: pre-wrap; overflow-wrap: anywhere; }
.tree > div { display: flex; gap: 6px; padding-left: calc(min(var(--d), 40) * 18px); }
.tree > div[hidden] { display: none; }
.tree > div:hover { background: #8882; }
i { flex: 0 0 12px; color: var(--dim); font-style: normal; text-align: center; user-select: none; }
.folds > i { cursor: pointer; }
.folds > i::before { content: '\\25be'; }
.folded > i::before { content: '\\25b8'; }
b { font-weight: 400; color: var(--dim); }
.term > code { color: var(--term); font-weight: 600; }
.gave > code, .gave > b { color: var(--gave); font-weight: 600; }
.failed > b, .or > b { color: var(--bad); font-style: italic; }
.found > code { background: #ffd54a80; }
.note { color: var(--bad); }
.results { border-left: 3px solid var(--gave); padding-left: 8px; overflow-wrap: anywhere; }
.printed { border-left: 3px solid var(--line); padding-left: 8px; white-space: pre-wrap; margin: 2px 0; }
";

/// Rows are flat, since a page cannot nest as deep as an evaluation; what a row folds are the deeper ones behind it.
const SCRIPT: &str = "\
'use strict';
const rows = [...document.querySelectorAll('.tree > div')];
const depth = rows.map(row => Number(row.dataset.d));
rows.forEach((row, at) => row.style.setProperty('--d', depth[at]));
function show() {
  let below = Infinity;
  let parent = null;
  rows.forEach((row, at) => {
    if (row.parentNode !== parent) { parent = row.parentNode; below = Infinity; }
    if (depth[at] <= below) below = Infinity;
    row.hidden = depth[at] > below;
    if (!row.hidden && row.classList.contains('folded')) below = depth[at];
  });
}
function foldAll(folded) {
  rows.forEach(row => { if (row.classList.contains('folds')) row.classList.toggle('folded', folded); });
  show();
}
rows.forEach(row => {
  if (row.classList.contains('folds')) {
    row.firstChild.addEventListener('click', () => { row.classList.toggle('folded'); show(); });
  }
});
document.getElementById('open').addEventListener('click', () => foldAll(false));
document.getElementById('close').addEventListener('click', () => foldAll(true));
document.getElementById('find').addEventListener('input', event => {
  const wanted = event.target.value;
  let n = 0;
  let first = null;
  rows.forEach(row => {
    const found = wanted !== '' && row.textContent.includes(wanted);
    row.classList.toggle('found', found);
    if (found) { n += 1; first = first || row; }
  });
  document.getElementById('found').textContent = wanted === '' ? '' : n + ' found';
  if (first) { foldAll(false); first.scrollIntoView({ block: 'center' }); }
});
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_no_markup() {
        assert_eq!(escaped("<b a=\"&\">\0"), "&lt;b a=&quot;&amp;&quot;&gt;?");
    }
}
