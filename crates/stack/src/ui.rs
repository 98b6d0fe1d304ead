//! Progress: one line per step on stderr, coloured only on a terminal.
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Where progress goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ui {
    terminal: bool,
    colour: bool,
    silent: bool,
}

impl Ui {
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { terminal, colour: terminal && std::env::var_os("NO_COLOR").is_none(), silent: false }
    }

    /// The same place, but nothing is said: for what is not worth a line.
    pub(crate) fn quiet(self) -> Self {
        Self { silent: true, ..self }
    }

    /// Begins a step that prints nothing of its own. It is a failed step if it is dropped before [`Step::done`].
    pub(crate) fn step(self, label: impl Into<String>) -> Step {
        let label = label.into();
        if self.terminal {
            self.write(&format!("  … {label}"));
        }
        Step { ui: self, label, started: Instant::now(), quiet: true, over: false }
    }

    /// Begins a step whose command prints by itself: a heading that tells more now, a tick at the end.
    pub(crate) fn stage(self, label: impl Into<String>, heading: impl AsRef<str>) -> Step {
        let label = label.into();
        self.write(&format!("  ▸ {label}: {}\n", heading.as_ref()));
        Step { ui: self, label, started: Instant::now(), quiet: false, over: false }
    }

    /// A line between steps.
    pub(crate) fn note(self, text: impl AsRef<str>) {
        self.write(&format!("    {}\n", text.as_ref()));
    }

    /// A line without indentation.
    pub(crate) fn say(self, text: impl AsRef<str>) {
        self.write(&format!("{}\n", text.as_ref()));
    }

    fn painted(self, text: &str, code: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Progress is best effort: a closed stderr must not stop a shutdown half way.
    fn write(self, text: &str) {
        if !self.silent {
            let mut out = std::io::stderr().lock();
            let _ = out.write_all(text.as_bytes());
            let _ = out.flush();
        }
    }

    /// The message a command ends with when it failed.
    pub(crate) fn failure(self, text: &str) {
        self.write(&format!("{} {text}\n", self.painted("error:", "1;31")));
    }
}

/// One step under way.
#[derive(Debug)]
pub(crate) struct Step {
    ui: Ui,
    label: String,
    started: Instant,
    quiet: bool,
    over: bool,
}

impl Step {
    /// Ends the step well; `detail` says what came out of it.
    pub(crate) fn done(mut self, detail: impl AsRef<str>) {
        let tick = self.ui.painted("✓", "32");
        self.finish(&tick, detail.as_ref());
    }

    fn finish(&mut self, sign: &str, detail: &str) {
        self.over = true;
        let back = if self.ui.terminal && self.quiet { "\r\x1b[2K" } else { "" };
        let took = self.ui.painted(&elapsed(self.started.elapsed()), "2");
        let detail = if detail.is_empty() { String::new() } else { format!("{detail}  ") };
        self.ui.write(&format!("{back}  {sign} {:<16} {detail}{took}\n", self.label));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.over {
            let cross = self.ui.painted("✗", "31");
            self.finish(&cross, "");
        }
    }
}

/// A duration for people: `0.3 s`, `2 min 5 s`, `3 h 12 min`.
pub(crate) fn elapsed(took: Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_speech() {
        assert_eq!(elapsed(Duration::from_millis(340)), "0.3 s");
        assert_eq!(elapsed(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(elapsed(Duration::from_secs(3 * 3600 + 720)), "3 h 12 min");
    }
}
