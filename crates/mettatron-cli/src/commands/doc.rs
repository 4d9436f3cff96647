//! `mettatron doc`: what a name means.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::bail;
use mettatron::diagnosis::nearest;
use mettatron::eval::{Description, Effects, FunctionEffects};
use mettatron::space::{Key, Relation};
use mettatron::{Engine, Library, SpaceId};

use crate::report::{self, BOLD, Drawn, painted};
use crate::source;
use crate::status::Status;

/// Show what a name means
///
/// Names of the library, and those that files describe with `@doc`. Without a name, lists what there is.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The name of a function or another atom
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Files and folders whose names are looked up too
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What is known about names: those of each area of the library and of each file.
struct Known {
    areas: Vec<(String, Vec<Description>)>,
    /// Has the declarations of the files.
    engine: Engine,
    /// Where names are declared in files, by name.
    places: BTreeMap<String, Vec<String>>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut known = Known::of(&args.files)?;
    let Some(name) = &args.name else { return report::print(known.list().as_bytes()) };
    let colours = Drawn::Stdout.in_colour();
    match known.describe(name, colours) {
        Some(text) => report::print(text.as_bytes()),
        None => {
            let names: Vec<String> = known.names().collect();
            match nearest(name, names.iter().map(String::as_str)).first() {
                Some(near) => bail!("nothing is known about `{name}`; did you mean `{near}`?"),
                None => bail!("nothing is known about `{name}`; `mettatron doc` lists what there is"),
            }
        }
    }
}

impl Known {
    fn of(files: &[PathBuf]) -> anyhow::Result<Self> {
        let library = Library::areas().into_iter().map(|area| (area.title.to_owned(), area.descriptions));
        let mut areas: Vec<(String, Vec<Description>)> = library.collect();
        let mut engine = Engine::new();
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in source::expand(files)? {
            let (name, bytes) = source::open(&file)?;
            let text = String::from_utf8_lossy(&bytes);
            areas.push((name.clone(), Description::in_text(&text)));
            let lines = mettatron::syntax::LineIndex::new(&bytes);
            // What can be read of a file with mistakes is described; nothing of it is run.
            for form in mettatron::syntax::parse_bytes(&bytes, engine.environment().library()).forms {
                let Some([kind, declared, ..]) = form.atom.children().filter(|_| !form.run) else { continue };
                let head = declared.children().and_then(<[_]>::first).unwrap_or(declared);
                if matches!(kind.as_symbol(), Some("=" | ":")) {
                    let (line, _) = lines.position(form.span.start);
                    places.entry(head.to_string()).or_default().push(format!("{name}:{line}"));
                }
                engine.environment_mut().add(&form.atom);
            }
        }
        Ok(Known { areas, engine, places })
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let described = self.areas.iter().flat_map(|(_, area)| area.iter().map(|it| it.item.to_string()));
        described.chain(self.places.keys().cloned())
    }

    /// All names, area by area.
    fn list(&self) -> String {
        let mut out = String::new();
        for (title, descriptions) in &self.areas {
            let names: Vec<String> = descriptions.iter().map(|it| it.item.to_string()).collect();
            if !names.is_empty() {
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{title}\n{}", wrapped(&names.join("  "), "  "));
            }
        }
        out
    }

    fn describe(&mut self, name: &str, colours: bool) -> Option<String> {
        let own = self.areas.iter().rev();
        let found = own.flat_map(|(title, area)| area.iter().map(move |it| (title.clone(), it.clone())));
        let found: Vec<(String, Description)> = found.filter(|(_, it)| it.item.to_string() == name).collect();
        let places = self.places.get(name).cloned().unwrap_or_default();
        if found.is_empty() && places.is_empty() {
            return None;
        }
        let bold = |text: &str| painted(text, BOLD, colours);
        let mut out = format!("{}\n", bold(name));
        for found in self.types(name) {
            let _ = writeln!(out, "  : {found}");
        }
        if let Some(effects) = self.effects(name) {
            let _ = writeln!(out, "  effects: {effects}");
        }
        for (title, description) in &found {
            let _ = writeln!(out, "\n{}", wrapped(&description.meaning, "  "));
            if let Some((parameters, result)) = &description.signature {
                out.push('\n');
                for (number, parameter) in parameters.iter().enumerate() {
                    let _ = writeln!(out, "  {}  {parameter}", number + 1);
                }
                let _ = writeln!(out, "  →  {result}");
            }
            for (program, results) in &description.examples {
                let _ = writeln!(out, "\n{}\n{}", indented(program, "    "), indented(results, "    ; => "));
            }
            let _ = writeln!(out, "\n  in {title}");
        }
        if !places.is_empty() {
            let _ = writeln!(out, "\n  declared at {}", places.join(", "));
        }
        Some(out)
    }

    /// What a function may do by its rules, or declares to do.
    fn effects(&self, name: &str) -> Option<Effects> {
        let environment = self.engine.environment();
        let (library, world) = (environment.library(), environment.world());
        let word = mettatron::syntax::parse(name, library).forms.pop()?.atom;
        let rules = |key| world.space(SpaceId::TOP)?.declarations(Relation::Equation, key);
        let has_rules = rules(Key::Call(name)).or_else(|| rules(Key::Symbol(name))).is_some();
        let is_known = has_rules || library.effect(name).is_some();
        is_known.then(|| FunctionEffects::default().of(&word, &world, library))
    }

    /// The types that a name has.
    fn types(&mut self, name: &str) -> Vec<String> {
        let results = self.engine.run(&format!("!(get-type {name})")).unwrap_or_default();
        let types = results.into_iter().flatten().map(|found| found.to_string());
        types.filter(|found| found != "%Undefined%").collect()
    }
}

fn indented(text: &str, indent: &str) -> String {
    text.lines().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

/// A text in lines of moderate length.
pub(super) fn wrapped(text: &str, indent: &str) -> String {
    const WIDTH: usize = 90;
    let mut out = String::from(indent);
    let mut column = indent.len();
    for (number, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if number > 0 && column + 1 + length > WIDTH && !word.is_empty() {
            out = format!("{}\n{indent}{word}", out.trim_end());
            column = indent.len() + length;
        } else {
            out += &format!("{}{word}", if number > 0 { " " } else { "" });
            column += length + usize::from(number > 0);
        }
    }
    out
}
