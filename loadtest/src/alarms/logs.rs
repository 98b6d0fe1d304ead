//! What the processes said since a fault began.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::Value;

use super::table::Witness;

/// Characters of a line that a report quotes.
const QUOTED: usize = 400;

/// The end of a log as it is now.
pub(crate) fn end(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |found| found.len())
}

/// The lines behind that place which are what the witness says: how many, and the first.
pub(crate) fn heard(witness: &Witness, log: &Path, from: u64) -> anyhow::Result<(usize, Option<String>)> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(from))?;
    let (mut count, mut first) = (0, None);
    for line in BufReader::new(file).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        if says(witness, &line) {
            count += 1;
            first.get_or_insert_with(|| line.chars().take(QUOTED).collect());
        }
    }
    Ok((count, first))
}

fn says(witness: &Witness, line: &str) -> bool {
    // What is no JSON is a line of a panic or of a program's usage.
    let Ok(event) = serde_json::from_str::<Value>(line) else { return false };
    let is = |field: &str, wanted: &str| event.get(field).and_then(Value::as_str) == Some(wanted);
    match witness {
        Witness::Slow { cause, .. } => is("target", "slow") && is("cause", cause),
        Witness::Line { target, has, .. } => {
            (target.is_empty() || is("target", target)) && line.contains(has)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_is_a_line_of_its_kind() {
        let slow = Witness::Slow { process: "p", cause: "database" };
        assert!(says(&slow, r#"{"target":"slow","cause":"database","duration_ms":812.0}"#));
        assert!(!says(&slow, r#"{"target":"slow","cause":"redis"}"#));
        assert!(!says(&slow, r#"{"target":"access","cause":"database"}"#));
        let full = Witness::Line { process: "p", target: "access", has: "\"code\":\"storage_full\"" };
        assert!(says(&full, r#"{"target":"access","code":"storage_full"}"#));
        assert!(!says(&full, "thread 'main' panicked: \"code\":\"storage_full\""));
    }
}
