//! `kill -QUIT`: what the threads are doing, on the standard error, while the run goes on; and what `tokio-console` shows.

use std::fmt::Write as _;

use mettatron::syntax::Form;
use mettatron::{Doing, Monitor, Role};

use crate::source::Places;

/// Serves what the tasks of the runtime do, on a thread of its own, at the address that `TOKIO_CONSOLE_BIND` says.
#[cfg(feature = "tokio-console")]
pub(crate) fn serve_tasks() -> anyhow::Result<()> {
    use tracing_subscriber::layer::SubscriberExt;

    if !cfg!(tokio_unstable) {
        anyhow::bail!(
            "Tokio tells nothing of its tasks unless built with RUSTFLAGS=\"--cfg tokio_unstable\""
        );
    }
    let layer = console_subscriber::ConsoleLayer::builder().with_default_env().spawn();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
    Ok(())
}

/// Where the forms to be evaluated are, in order.
pub(crate) struct FormPlaces {
    texts: Vec<String>,
    /// The number of a form, and its text, line and column.
    forms: Vec<(usize, usize, usize, usize)>,
}

impl FormPlaces {
    pub(crate) fn of(places: &Places, forms: &[Form]) -> Self {
        let mut found = FormPlaces { texts: Vec::new(), forms: Vec::new() };
        for (form, _) in forms.iter().enumerate().filter(|(_, form)| form.run) {
            if let Some(place) = places.of(form)
                && let Some((name, line, column)) = places.describe(place)
            {
                if found.texts.last().is_none_or(|last| last != name) {
                    found.texts.push(name.to_owned());
                }
                found.forms.push((form, found.texts.len() - 1, line, column));
            }
        }
        found
    }

    fn describe(&self, form: usize) -> String {
        match self.forms.binary_search_by_key(&form, |place| place.0) {
            Ok(found) => {
                let (_, text, line, column) = self.forms[found];
                format!("{}:{line}:{column}", self.texts[text])
            }
            Err(_) => format!("form {form}"),
        }
    }

    fn report(&self, threads: &[Doing]) -> String {
        let mut text = match threads.len() {
            1 => "mettatron: 1 thread at work\n".to_owned(),
            n => format!("mettatron: {n} threads at work\n"),
        };
        for doing in threads {
            let role = match doing.role {
                Role::Coordinator => "main",
                Role::Helper => "helper",
                Role::Part => "part",
                _ => "thread",
            };
            let place = self.describe(doing.index);
            let waits = if doing.waits { ", waits" } else { "" };
            let (reductions, since) = (doing.reductions, doing.since.as_secs_f64());
            // Writing to a `String` does not fail.
            let _ = writeln!(text, "  {role:<7}{place}  {reductions} reductions, {since:.3} s{waits}");
        }
        text
    }
}

/// Writes a report for each SIGQUIT from now on.
#[cfg(unix)]
pub(crate) fn start(monitor: Monitor, places: FormPlaces) -> anyhow::Result<()> {
    use std::io::Write as _;

    use anyhow::Context;
    use signal_hook::consts::SIGQUIT;
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGQUIT]).context("cannot listen for SIGQUIT")?;
    let report = move || {
        for _ in signals.forever() {
            // There is nobody to tell that the standard error is closed.
            let _ = std::io::stderr().write_all(places.report(&monitor.look()).as_bytes());
        }
    };
    std::thread::Builder::new().name("inspect".to_owned()).spawn(report).context("cannot start a thread")?;
    Ok(())
}

/// There are no such signals here.
#[cfg(not(unix))]
pub(crate) fn start(_: Monitor, _: FormPlaces) -> anyhow::Result<()> {
    Ok(())
}
