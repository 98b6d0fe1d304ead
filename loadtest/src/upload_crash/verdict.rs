//! What the run came to: tables, and the story of each breach.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::aftermath::Aftermath;
use super::judge::Violation;
use super::story::{Dialect, Ended, Story};
use super::world::Told;
use crate::report::{Report, Table, counts, mebibytes};
use crate::stats::median;

/// Numbers of the reconciler that must be zero.
const MUST_BE_ZERO: [&str; 4] = ["orphan_objects", "missing_objects", "orphan_partials", "doomed_removed"];
/// Stories that go to standard output as well.
const SHOWN: usize = 3;

/// Prints what was counted.
pub(super) fn print(told: &Told, aftermath: &Aftermath) {
    let columns = [
        "begun by",
        "uploads",
        "kept",
        "read back and deleted",
        "cancelled by their clients",
        "broken",
        "bytes",
    ];
    let mut table = Table::new("Uploads", &columns);
    for dialect in [Dialect::Put, Dialect::Tus, Dialect::Draft] {
        let stories: Vec<&Story> = told.stories.iter().filter(|story| story.dialect == dialect).collect();
        let ended = |wanted: fn(&Ended) -> bool| {
            stories.iter().filter(|story| story.ended.as_ref().is_some_and(wanted)).count().to_string()
        };
        table.row(&[
            dialect.label().to_owned(),
            stories.len().to_string(),
            ended(|ended| matches!(ended, Ended::Finished(_))),
            ended(|ended| matches!(ended, Ended::Deleted(_))),
            ended(|ended| *ended == Ended::Cancelled),
            ended(|ended| *ended == Ended::Broken),
            mebibytes(stories.iter().map(|story| story.bytes).sum()),
        ]);
    }
    table.print();
    let mut table = Table::new("What broke, and what clients heard", &["what", "how often"]);
    let mut kills: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, _, victims) in &told.kills {
        for victim in victims.split(" and ") {
            *kills.entry(victim).or_default() += 1;
        }
    }
    table.row(&["killed".to_owned(), counts(&kills)]);
    table.row(&["answers".to_owned(), counts(&told.answers)]);
    let stages = || aftermath.found.assets.values().flatten().flat_map(|asset| &asset.stages);
    let mut seconds: Vec<f64> = aftermath.found.processed().map(|asset| asset.seconds).collect();
    let middle = median(&mut seconds);
    // Sorted by now.
    let longest = seconds.last().copied().unwrap_or_default();
    let told_seconds = format!("{middle:.1} s, at most {longest:.1} s");
    table.row(&["from the last byte to the last stage, median".to_owned(), told_seconds]);
    let lost = stages().map(|stage| stage.lost).sum::<u64>();
    table.row(&["attempts at a stage whose worker was lost".to_owned(), lost.to_string()]);
    table.row(&["stages that owners had tried again".to_owned(), counts(&aftermath.retried)]);
    table.row(&["left in the database".to_owned(), counts(&aftermath.left)]);
    table.row(&["the reconciler's last look".to_owned(), format!("`{}`", aftermath.reconciled)]);
    table.print();
    for violation in told.violations.iter().take(SHOWN) {
        println!("### {}\n\n```\n{}```\n", violation.breach, story(violation, &told.kills));
    }
}

/// What must hold.
pub(super) fn judge(told: &Told, aftermath: &Aftermath) -> Report {
    let mut report = Report::default();
    let uploads = told.stories.len();
    let is_kept = |story: &&Story| matches!(story.ended, Some(Ended::Finished(_)));
    report.expect("something was uploaded and kept", told.stories.iter().any(|story| is_kept(&story)));
    let breaches = told.violations.len();
    let first = told.violations.first().map(|violation| violation.breach.to_string()).unwrap_or_default();
    let what = format!("every upload keeps its promises: {breaches} breaches in {uploads} uploads {first}");
    report.expect(what, breaches == 0);
    for (what, count) in &aftermath.left {
        report.expect(format!("nothing is left: {count} {what}"), *count == 0);
    }
    for name in MUST_BE_ZERO {
        let number = aftermath.reconciled.get(name).and_then(Value::as_u64);
        report.expect(format!("the reconciler finds nothing: {name} {number:?}"), number == Some(0));
    }
    report
}

/// Writes the stories of all breaches to a file.
pub(super) fn write(folder: &Path, told: &Told) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let stories = told.violations.iter().map(|violation| story(violation, &told.kills));
    Ok(fs::write(folder.join("violations.txt"), stories.collect::<Vec<_>>().join("\n"))?)
}

/// Everything about one upload in order, with what was killed meanwhile.
fn story(violation: &Violation, kills: &[(f64, f64, String)]) -> String {
    let Violation { breach, story } = violation;
    let (from, to) = story.span();
    let mut lines: Vec<(f64, String)> = story.events.clone();
    for (killed, started, victims) in
        kills.iter().filter(|(killed, started, _)| *started >= from && *killed <= to)
    {
        lines.push((*killed, format!("     {victims} killed")));
        lines.push((*started, format!("     {victims} started")));
    }
    lines.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut text = format!(
        "{breach}\nupload {} ({}, {}): {} bytes of {}, sha256 {}, ended {:?}\n",
        story.number,
        story.title,
        story.dialect.label(),
        story.bytes,
        story.media,
        story.sha256,
        story.ended,
    );
    for (at, line) in lines {
        text.push_str(&format!("{at:>9.3}  {line}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::upload_crash::judge::Breach;

    #[test]
    fn a_story_shows_what_was_killed_while_it_went_on_and_nothing_else() {
        let mut told = Story::new(3, Dialect::Tus, "a.mp4", 5, "5e".to_owned(), 0, Instant::now());
        told.events = vec![(1.0, "PATCH 0 to 5".to_owned()), (2.0, "  → broken off".to_owned())];
        let violation = Violation { breach: Breach::Lost(404), story: told };
        let kill = |from: f64, what: &str| (from, from + 0.1, what.to_owned());
        let text = story(&violation, &[kill(0.1, "nats"), kill(1.5, "gateway"), kill(9.0, "upload-worker")]);
        assert!(text.contains("gateway killed") && text.contains("answered 404"), "{text}");
        assert!(!text.contains("nats") && !text.contains("upload-worker"), "{text}");
        assert!(text.find("PATCH").unwrap() < text.find("gateway killed").unwrap());
    }
}
