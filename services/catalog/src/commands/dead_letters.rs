//! `catalog dead-letters list` and `catalog dead-letters replay`: the events of this service that a consumer gave up on.

use std::io::Write;

use event_bus::Bus;
use event_bus::dead_letter::{self, DeadLetter, Replay};

use crate::events::STREAM;

/// How a list is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON object a line, for programs.
    Json,
}

/// Prints the oldest dead letters, at most `limit`, to standard output.
///
/// # Errors
/// When NATS does not answer, or standard output is closed.
pub(crate) async fn list(bus: &Bus, limit: usize, format: Format) -> anyhow::Result<()> {
    let letters = dead_letter::list(bus, STREAM, limit).await?;
    let text = match format {
        Format::Table => table(&letters),
        Format::Json => lines(&letters)?,
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// Publishes dead letters again and prints how many. Every consumer of the subject sees the event again under its old id.
///
/// # Errors
/// When the sequence asked for is not there, NATS does not answer, or standard output is closed.
pub(crate) async fn replay(bus: &Bus, which: Replay) -> anyhow::Result<()> {
    let replayed = dead_letter::replay(bus, STREAM, which).await?;
    writeln!(std::io::stdout().lock(), "replayed: {replayed}")?;
    Ok(())
}

fn lines(letters: &[DeadLetter]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for letter in letters {
        text.push_str(&serde_json::to_string(letter)?);
        text.push('\n');
    }
    Ok(text)
}

fn table(letters: &[DeadLetter]) -> String {
    if letters.is_empty() {
        return "no dead letters\n".to_owned();
    }
    let header = ["SEQUENCE", "DIED AT", "SUBJECT", "ID", "CONSUMER", "ATTEMPTS", "CAUSE"].map(str::to_owned);
    let rows: Vec<[String; 7]> = std::iter::once(header).chain(letters.iter().map(row)).collect();
    let widths: [usize; 7] = std::array::from_fn(|column| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn row(letter: &DeadLetter) -> [String; 7] {
    [
        letter.sequence.to_string(),
        letter.died_at.format("%Y-%m-%d %H:%M:%SZ").to_string(),
        letter.subject.clone(),
        letter.message_id.clone(),
        letter.consumer.clone(),
        letter.attempts.to_string(),
        letter.cause.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> DeadLetter {
        DeadLetter {
            sequence: 12,
            died_at: chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            subject: "catalog.animal.created".to_owned(),
            message_id: "id-1".to_owned(),
            event_type: "aldia.catalog.v1.RecordChanged".to_owned(),
            consumer: "stories".to_owned(),
            attempts: 8,
            cause: "no such feed".to_owned(),
            stream: STREAM.to_owned(),
            stream_sequence: 99,
            payload_bytes: 20,
            traceparent: String::new(),
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(
            table(&[letter()]),
            "SEQUENCE  DIED AT               SUBJECT                 ID    CONSUMER  ATTEMPTS  CAUSE\n\
             12        2023-11-14 22:13:20Z  catalog.animal.created  id-1  stories   8         no such feed\n"
        );
    }

    #[test]
    fn nothing_dead_is_said_in_words() {
        assert_eq!(table(&[]), "no dead letters\n");
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = lines(&[letter(), letter()]).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with(r#"{"sequence":12,"died_at":"2023-11-14T22:13:20Z""#), "{text}");
    }
}
