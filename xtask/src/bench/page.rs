//! One HTML page with a drawing for each program: time by work, a line for each engine.
//!
//! Both axes are logarithmic, so that a straight line of slope 1 is time in proportion to work.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::engine::Engine;
use super::measure::{Reading, Row};
use super::table;

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 110.0;
const EDGE: f64 = 30.0;
/// Shorter times than this are not told from nothing.
const LEAST_SECONDS: f64 = 1e-4;
const COLOURS: [&str; 6] = ["#0b6e99", "#d9730d", "#448361", "#9065b0", "#c14c8a", "#787774"];

/// Writes the page into a folder and returns the file.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(folder: &Path, engines: &[Engine], rows: &[Row<'_>]) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join("index.html");
    fs::write(&path, page(engines, rows)).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn page(engines: &[Engine], rows: &[Row<'_>]) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Benchmarks</title>\n\
         <style>body{font:15px sans-serif;max-width:60em;margin:2em auto}svg{font-size:11px}\
         table{border-collapse:collapse}td,th{padding:.1em .8em;text-align:right}</style></head><body>\n\
         <h1>Benchmarks</h1>\n<p>Processor time without start-up by work, medians; both axes are logarithmic.</p>\n",
    );
    for rows in rows.chunk_by(|a, b| a.program.name == b.program.name) {
        let Some(first) = rows.first() else { continue };
        let _ = writeln!(
            page,
            "<h2>{}</h2>\n<p>{}</p>",
            escape(&first.program.name),
            escape(first.program.title())
        );
        page.push_str(&drawing(engines, rows));
        page.push_str(&numbers(engines, rows));
    }
    page.push_str("</body></html>\n");
    page
}

fn numbers(engines: &[Engine], rows: &[Row<'_>]) -> String {
    let mut text = String::from("<table><tr><th>size</th>");
    for engine in engines {
        let _ = write!(text, "<th>{}</th>", escape(&engine.name));
    }
    text.push_str("</tr>\n");
    for row in rows {
        let _ = write!(text, "<tr><td>{}</td>", row.size);
        for reading in &row.readings {
            let _ = write!(text, "<td>{}</td>", escape(&table::cell(reading)));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</table>\n");
    text
}

/// A scale from numbers to places, both logarithmic.
struct Axis {
    least: f64,
    greatest: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(numbers: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Axis {
        let least = numbers.clone().fold(f64::INFINITY, f64::min);
        let greatest = numbers.fold(0.0, f64::max);
        // Whole powers of ten, so that every axis has at least two marks.
        let (least, greatest) = (least.log10().floor(), greatest.log10().ceil());
        Axis { least, greatest: greatest.max(least + 1.0), from, to }
    }

    fn place(&self, number: f64) -> f64 {
        self.from + (number.log10() - self.least) / (self.greatest - self.least) * (self.to - self.from)
    }

    fn marks(&self) -> impl Iterator<Item = f64> {
        (self.least as i32..=self.greatest as i32).map(|power| 10f64.powi(power))
    }
}

fn drawing(engines: &[Engine], rows: &[Row<'_>]) -> String {
    let point = |row: &Row<'_>, reading: &Reading| {
        let seconds = reading.seconds()?.max(LEAST_SECONDS);
        Some((row.program.sizes.get(&row.size)?.work as f64, seconds))
    };
    let mut lines: Vec<Vec<(f64, f64)>> = engines
        .iter()
        .enumerate()
        .map(|(index, _)| rows.iter().filter_map(|row| point(row, row.readings.get(index)?)).collect())
        .collect();
    lines.iter_mut().for_each(|line| line.sort_by(|a, b| a.0.total_cmp(&b.0)));
    let all = lines.iter().flatten();
    if all.clone().next().is_none() {
        return "<p>No engine has a time.</p>\n".to_owned();
    }
    let x = Axis::over(all.clone().map(|point| point.0), LEFT, WIDTH - RIGHT);
    let y = Axis::over(all.map(|point| point.1), HEIGHT - EDGE, EDGE);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\">\n");
    grid(&mut svg, &x, &y);
    for (index, (engine, line)) in engines.iter().zip(&lines).enumerate() {
        curve(&mut svg, &engine.name, COLOURS[index % COLOURS.len()], line, &x, &y);
    }
    svg.push_str("</svg>\n");
    svg
}

fn grid(svg: &mut String, x: &Axis, y: &Axis) {
    for work in x.marks() {
        let at = x.place(work);
        let _ = writeln!(svg, "<path d=\"M{at:.1} {:.1}V{:.1}\" stroke=\"#ddd\"/>", y.from, y.to);
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{work:e}</text>",
            y.from + 15.0
        );
    }
    for seconds in y.marks() {
        let at = y.place(seconds);
        let _ = writeln!(svg, "<path d=\"M{:.1} {at:.1}H{:.1}\" stroke=\"#ddd\"/>", x.from, x.to);
        let left = x.from - 5.0;
        let _ = writeln!(
            svg,
            "<text x=\"{left:.1}\" y=\"{at:.1}\" text-anchor=\"end\" dy=\".3em\">{seconds} s</text>"
        );
    }
}

fn curve(svg: &mut String, name: &str, colour: &str, points: &[(f64, f64)], x: &Axis, y: &Axis) {
    let Some(last) = points.last() else { return };
    let places: Vec<_> = points.iter().map(|point| (x.place(point.0), y.place(point.1))).collect();
    let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
        path.join(" ")
    );
    for (x, y) in places {
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
    }
    let (left, top) = (x.place(last.0) + 8.0, y.place(last.1));
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{top:.1}\" dy=\".3em\" fill=\"{colour}\">{}</text>",
        escape(name)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::program::Program;
    use crate::bench::sample::Spread;

    #[test]
    fn every_program_has_one_drawing_with_a_line_for_each_engine() {
        let program = Program::parse_for_tests(
            ";@ size: 1, work: 10, answer: 1\n;@ size: 2, work: 20, answer: <2>\n;@ gate: 1\n;@ measure: 1 2\n",
        );
        let engines = [Engine::base(Path::new("x")), Engine::base(Path::new("y"))];
        let took = |median| Reading::Took {
            seconds: Spread { median, least: median, greatest: median },
            megabytes: 1.0,
        };
        let row = |size, readings| Row { program: &program, size, readings };
        let rows = [row(1, vec![took(0.5), took(0.0)]), row(2, vec![took(1.0), Reading::Left])];
        let page = page(&engines, &rows);
        assert_eq!(page.matches("<svg").count(), 1);
        assert_eq!(page.matches("<polyline").count(), 2);
        assert_eq!(page.matches("<circle").count(), 3);
        assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    }

    #[test]
    fn places_follow_the_logarithm() {
        let axis = Axis::over([1.0, 100.0].into_iter(), 0.0, 200.0);
        assert_eq!([1.0, 10.0, 100.0].map(|it| axis.place(it)), [0.0, 100.0, 200.0]);
        assert_eq!(axis.marks().collect::<Vec<_>>(), [1.0, 10.0, 100.0]);
    }
}
