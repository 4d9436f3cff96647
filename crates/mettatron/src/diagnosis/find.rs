//! Finds the call that an error is about in the text of a form.
//!
//! The error shows the call with its arguments evaluated, so the text is a pattern for it:
//! variables and inner calls may stand for anything.

use metta_atom::{Atom, Grounded};
use metta_eval::Library;
use metta_syntax::{Part, Span, parse_bytes, parts};

/// Returns where `culprit` is written in the form `text`, or only its argument number `argument`;
/// in a rule the right side alone is looked at.
pub(super) fn call(
    text: &[u8],
    library: &Library,
    rule: bool,
    culprit: &Atom,
    argument: Option<usize>,
) -> Option<Span> {
    let parsed = parse_bytes(text, library);
    let form = parsed.forms.first()?;
    let parts = parts(text, form);
    let first = if rule { child(&parts, 0, 2)? } else { 0 };
    let mut best: Option<(usize, usize)> = None;
    for (index, part) in parts.iter().enumerate().skip(first) {
        if let Some(likeness) = likeness(part.atom, culprit)
            && best.is_none_or(|(most, _)| likeness > most)
        {
            best = Some((likeness, index));
        }
    }
    let (_, index) = best?;
    let argument = argument.and_then(|number| child(&parts, index, number));
    parts.get(argument.unwrap_or(index)).map(|part| part.span)
}

/// The part that is element `number` of the part at `index`.
fn child(parts: &[Part<'_>], index: usize, number: usize) -> Option<usize> {
    let end = parts.get(index)?.end;
    let mut child = index + 1;
    for _ in 0..number {
        child = parts.get(child)?.end;
    }
    (child < end).then_some(child)
}

/// How much of `culprit` stands in `written` as it is; `None` when it cannot be that call.
fn likeness(written: &Atom, culprit: &Atom) -> Option<usize> {
    let (Some([head, inner @ ..]), Some([called, arguments @ ..])) = (written.children(), culprit.children())
    else {
        return (written == culprit).then_some(0);
    };
    if inner.len() != arguments.len() || !stands_for(head, called) {
        return None;
    }
    let mut likeness = usize::from(head == called);
    for (written, argument) in inner.iter().zip(arguments) {
        if !stands_for(written, argument) {
            return None;
        }
        likeness += usize::from(written == argument);
    }
    Some(likeness)
}

/// Reports whether `written` may have become `value`: as it is, by a binding, a token or evaluation.
pub(super) fn stands_for(written: &Atom, value: &Atom) -> bool {
    match (written, value) {
        (Atom::Variable(_) | Atom::Expression(_), _) => true,
        // A token.
        (Atom::Symbol(_), Atom::Grounded(_) | Atom::Expression(_)) => true,
        (Atom::Grounded(Grounded::Space(_)), Atom::Grounded(Grounded::Space(_))) => true,
        (Atom::Symbol(_) | Atom::Grounded(_), _) => written == value,
    }
}
