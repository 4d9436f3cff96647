//! Rows of readings as text.

use super::bound::Bound;
use super::engine::{Engine, PROLOG};
use super::measure::{Reading, Row};
use super::program::START;

/// The time of a start differs by as much from run to run.
const SHORT_SECONDS: f64 = 0.001;

/// What the programs at a size took, with ratios of the first engine to each of the others and bounds.
pub(super) fn header(engines: &[Engine]) -> String {
    let mut line = format!("{:<13}{:>9}  ", "program", "size");
    for (index, engine) in engines.iter().enumerate() {
        line.push_str(&format!("{:<34}", engine.name));
        if index > 0 {
            line.push_str(&format!("{:>6}  ", "ratio"));
        }
    }
    line.push_str("bounds");
    line
}

/// One line for a program at a size.
pub(super) fn line(engines: &[Engine], row: &Row<'_>) -> String {
    let mut line = format!("{:<13}{:>9}  ", row.program.name, row.size);
    for (index, reading) in row.readings.iter().enumerate() {
        line.push_str(&format!("{:<34}", cell(reading)));
        if index > 0 {
            let ratio = ratio(row, index).map_or_else(String::new, show_ratio);
            line.push_str(&format!("{ratio:>6}  "));
        }
    }
    let verdict = |(bound, met): (&Bound, bool)| format!("{bound}: {}", if met { "met" } else { "MISSED" });
    line.push_str(&verdicts(engines, row).into_iter().map(verdict).collect::<Vec<_>>().join(", "));
    line.trim_end().to_owned()
}

/// A reading with its range.
pub(super) fn cell(reading: &Reading) -> String {
    match reading {
        Reading::Took { seconds, megabytes } => format!(
            "{:.4} s ({:.4}-{:.4}) {megabytes:.0} MB",
            seconds.median, seconds.least, seconds.greatest
        ),
        Reading::Wrong(_) => "WRONG".to_owned(),
        Reading::TooLong(limit) => format!("> {} s", limit.as_secs()),
        Reading::Left => "-".to_owned(),
    }
}

fn show_ratio(ratio: f64) -> String {
    if ratio < 0.01 { format!("1/{:.0}", 1.0 / ratio) } else { format!("{ratio:.2}") }
}

/// The time of the first engine over that of another, unless that is lost in the noise of start-up.
fn ratio(row: &Row<'_>, index: usize) -> Option<f64> {
    let (ours, other) = (row.readings.first()?.seconds()?, row.readings.get(index)?.seconds()?);
    (other >= SHORT_SECONDS).then_some(ours / other)
}

/// The bounds that this row can judge, with what it says. An engine without time misses them.
pub(super) fn verdicts<'a>(engines: &[Engine], row: &Row<'a>) -> Vec<(&'a Bound, bool)> {
    let mut found = Vec::new();
    for bound in row.program.bounds(row.size) {
        let Some(ours) = row.readings.first() else { continue };
        let met = match (bound, ours) {
            (Bound::Ratio(most, name), _) => {
                let Some(other) = engines.iter().position(|it| it.name == *name) else { continue };
                if row.readings[other].seconds().is_some_and(|it| it < SHORT_SECONDS) {
                    continue;
                }
                ratio(row, other).is_some_and(|ratio| ratio <= *most)
            }
            (Bound::Seconds(most), reading) => reading.seconds().is_some_and(|it| it <= *most),
            (Bound::Megabytes(most), Reading::Took { megabytes, .. }) => megabytes <= most,
            (Bound::Megabytes(_), _) => false,
        };
        found.push((bound, met));
    }
    found
}

/// What all rows say together: bounds that are met, the mean ratio to Prolog, answers that are wrong.
pub(super) fn summary(engines: &[Engine], rows: &[Row<'_>]) -> String {
    let mut lines = Vec::new();
    let verdicts: Vec<_> = rows.iter().flat_map(|row| verdicts(engines, row)).collect();
    if !verdicts.is_empty() {
        let met = verdicts.iter().filter(|(_, met)| *met).count();
        lines.push(format!("{met} of {} bounds are met", verdicts.len()));
    }
    if let Some(prolog) = engines.iter().position(|it| it.name == PROLOG) {
        let timed = rows.iter().filter(|row| row.program.name != START);
        let ratios: Vec<f64> = timed.filter_map(|row| ratio(row, prolog)).filter(|it| *it > 0.0).collect();
        let mean = (ratios.iter().map(|it| it.ln()).sum::<f64>() / ratios.len() as f64).exp();
        lines.push(format!("geometric mean of {} ratios to {PROLOG}: {mean:.2}", ratios.len()));
    }
    lines.extend(wrong(engines, rows));
    lines.join("\n")
}

/// The answers that are wrong.
pub(super) fn wrong(engines: &[Engine], rows: &[Row<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for row in rows {
        for (engine, reading) in engines.iter().zip(&row.readings) {
            if let Reading::Wrong(why) = reading {
                found.push(format!("{} {} on {}: {why}", row.program.name, row.size, engine.name));
            }
        }
    }
    found
}

/// How time grows with work, for each engine: time and work of each size over those of the one before,
/// and the exponent of the whole. It is about 1 where time grows as the work does.
pub(super) fn growth(engines: &[Engine], rows: &[Row<'_>]) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, engine) in engines.iter().enumerate() {
        let Some(program) = rows.first().map(|row| row.program) else { continue };
        let point =
            |row: &Row<'_>| Some((program.sizes[&row.size].work as f64, row.readings[index].seconds()?));
        let Some(points) = rows.iter().map(point).collect::<Option<Vec<_>>>() else {
            lines.push(format!("{:<13}{:<12}no time for every size", program.name, engine.name));
            continue;
        };
        let mut line = format!("{:<13}{:<12}", program.name, engine.name);
        for (row, (_, seconds)) in rows.iter().zip(&points) {
            line.push_str(&format!("{:>9}: {seconds:.4} s ", row.size));
        }
        line.push_str(&rates(&points).unwrap_or_else(|| " too short".to_owned()));
        lines.push(line);
    }
    lines
}

/// How time and work grow from each point to the next, and the exponent of the whole.
fn rates(points: &[(f64, f64)]) -> Option<String> {
    let exponent = exponent(points)?;
    let mut text = String::new();
    for pair in points.windows(2) {
        if let [(work, seconds), (more_work, more_seconds)] = pair {
            text.push_str(&format!(" x{:.2}/x{:.2}", more_seconds / seconds, more_work / work));
        }
    }
    Some(text + &format!("  exponent {exponent:.2}"))
}

/// The `e` for which time is as work to the power of `e`, between the first point and the last,
/// unless the first is lost in the noise of start-up.
fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let ((work, seconds), (more_work, more_seconds)) = (points.first()?, points.last()?);
    (*seconds >= SHORT_SECONDS).then(|| (more_seconds / seconds).ln() / (more_work / work).ln())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::bench::program::Program;
    use crate::bench::sample::Spread;

    fn took(seconds: f64, megabytes: f64) -> Reading {
        let seconds = Spread { median: seconds, least: seconds, greatest: seconds };
        Reading::Took { seconds, megabytes }
    }

    fn engines() -> Vec<Engine> {
        let ours = Engine::base(Path::new("x"));
        let mut prolog = ours.clone();
        PROLOG.clone_into(&mut prolog.name);
        vec![ours, prolog]
    }

    fn program() -> Program {
        let text = ";@ size: 7, work: 1, answer: 1\n;@ size: 8, work: 2, answer: 1\n;@ size: 9, work: 4, answer: 1\n\
                    ;@ gate: 7\n;@ measure: 9\n;@ bound: 0.4 x swipl\n;@ bound: 5 MB\n;@ bound: 0.1 x reference\n";
        Program::parse_for_tests(text)
    }

    #[test]
    fn bounds_are_judged_by_the_first_engine() {
        let (engines, program) = (engines(), program());
        let verdict = |ours, prolog| {
            let row = Row { program: &program, size: 9, readings: vec![ours, prolog] };
            verdicts(&engines, &row).into_iter().map(|(_, met)| met).collect::<Vec<_>>()
        };
        assert_eq!(verdict(took(0.39, 4.0), took(1.0, 9.0)), [true, true]);
        assert_eq!(verdict(took(0.41, 6.0), took(1.0, 9.0)), [false, false]);
        assert_eq!(verdict(Reading::Wrong(String::new()), took(1.0, 9.0)), [false, false]);
        // A time that start-up hides is none to compare with.
        assert_eq!(verdict(took(0.39, 4.0), took(0.0, 9.0)), [true]);
    }

    #[test]
    fn wrong_answers_are_named() {
        let (engines, program) = (engines(), program());
        let why = "expected `1`, found `2`".to_owned();
        let rows = [Row { program: &program, size: 9, readings: vec![took(1.0, 1.0), Reading::Wrong(why)] }];
        assert_eq!(wrong(&engines, &rows), ["p 9 on swipl: expected `1`, found `2`"]);
        assert!(line(&engines, &rows[0]).contains("WRONG"));
    }

    #[test]
    fn growth_is_compared_with_that_of_the_work() {
        let (engines, program) = (engines(), program());
        let row = |size, ours, other| Row {
            program: &program,
            size,
            readings: vec![took(ours, 1.0), took(other, 1.0)],
        };
        let lines = growth(&engines, &[row(7, 1.0, 1.0), row(8, 2.0, 4.0), row(9, 4.0, 16.0)]);
        assert!(lines[0].ends_with("x2.00/x2.00 x2.00/x2.00  exponent 1.00"), "{}", lines[0]);
        assert!(lines[1].ends_with("exponent 2.00"), "{}", lines[1]);
        let lines = growth(&engines, &[row(7, 0.0001, 1.0), row(8, 2.0, 4.0)]);
        assert!(lines[0].ends_with("too short"), "{}", lines[0]);
    }
}
