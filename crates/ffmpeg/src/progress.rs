//! How far a run is, from the lines of `-progress`.

/// Reads the lines and tells each step forward.
pub(crate) struct Progress<F> {
    expected_ms: u64,
    told: f32,
    reached_micros: u64,
    tell: F,
}

impl<F: FnMut(f32)> Progress<F> {
    /// `expected_ms` is how long the result will last.
    pub(crate) fn new(expected_ms: u64, tell: F) -> Self {
        Self { expected_ms: expected_ms.max(1), told: 0.0, reached_micros: 0, tell }
    }

    /// Takes a line; all but times are passed over.
    pub(crate) fn line(&mut self, line: &str) {
        let Some(micros) = line.strip_prefix("out_time_us=").and_then(|text| text.trim().parse().ok()) else {
            return;
        };
        self.reached_micros = self.reached_micros.max(micros);
        #[expect(clippy::cast_precision_loss, reason = "a part of a whole, to be looked at")]
        let part = (self.reached_micros as f32) / (self.expected_ms as f32 * 1000.0);
        // The end is told when the result is known to be there.
        self.step(part.min(0.99));
    }

    /// All is done.
    pub(crate) fn finish(&mut self) {
        self.step(1.0);
    }

    /// How much has been made, in milliseconds.
    pub(crate) fn reached_ms(&self) -> u64 {
        self.reached_micros / 1000
    }

    fn step(&mut self, part: f32) {
        if part > self.told {
            self.told = part;
            (self.tell)(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_only_goes_forward_and_ends_with_one() {
        let mut told = Vec::new();
        let mut progress = Progress::new(1000, |part| told.push(part));
        for line in
            ["frame=1", "out_time_us=250000", "out_time_us=200000", "out_time_us=N/A", "out_time_us=-5"]
        {
            progress.line(line);
        }
        progress.line("out_time_us=5000000");
        assert_eq!(progress.reached_ms(), 5000);
        progress.finish();
        progress.finish();
        assert_eq!(told, [0.25, 0.99, 1.0]);
    }
}
