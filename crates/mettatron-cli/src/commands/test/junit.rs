//! The outcome of tests as JUnit's XML, which build servers read.

use std::fmt::Write;

use super::outcome::{Case, Suite};
use crate::markup::escaped;

/// Makes the document.
pub(super) fn document(suites: &[Suite]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let failures: usize = suites.iter().map(Suite::n_failed).sum();
    let errors = suites.iter().filter(|suite| suite.is_malformed).count();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<testsuites name=\"mettatron\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
    );
    for Suite { name, cases, mistakes, seconds, .. } in suites {
        let name = escaped(name);
        let (tests, failures) = (cases.len(), cases.iter().filter(|case| case.finding.is_some()).count());
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{}\" time=\"{seconds:.3}\">",
            mistakes.len().min(1)
        );
        for mistake in mistakes.iter().take(1) {
            let message = escaped(&mistake.message);
            let _ = writeln!(
                out,
                "    <testcase name=\"parse\" classname=\"{name}\">\n      <error type=\"{}\" message=\"{message}\"/>\n    </testcase>",
                mistake.code
            );
        }
        cases.iter().for_each(|case| case_element(&mut out, &name, case));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case_element(out: &mut String, file: &str, case: &Case) {
    let title = escaped(&case.title);
    let line = case.line;
    let Some(finding) = &case.finding else {
        let _ = writeln!(
            out,
            "    <testcase name=\"{title}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\"/>"
        );
        return;
    };
    let _ = writeln!(
        out,
        "    <testcase name=\"{title}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>",
        finding.code,
        escaped(&finding.message),
        escaped(finding.help.as_deref().unwrap_or_default())
    );
}
