//! What fired that had no business to, and what the drill came to: tables, the report for programs, and the expectations.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::load::Answers;
use super::round::{Course, Outcome, Stage};
use super::table::Sign;
use super::watch::Spell;
use crate::report::{Report, Table};

/// Faults of one round, and when it was.
pub(crate) struct Round {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) courses: Vec<Course>,
    /// What was pending or fired still when it should have been quiet.
    pub(crate) loud: Option<String>,
}

/// The whole drill.
pub(crate) struct Drill<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) rounds: Vec<Round>,
    pub(crate) answers: Answers,
}

impl Drill<'_> {
    /// Alerts that fired and belong to no fault that was there.
    fn strangers(&self) -> Vec<Spell> {
        let spells = self.stage.watch.spells();
        spells.into_iter().filter(|spell| !self.rounds.iter().any(|round| belongs(round, spell))).collect()
    }

    /// What fired beside what was expected, of a fault.
    fn besides(&self, course: &Course, round: &Round) -> Vec<String> {
        let expectation = course.fault.expectation();
        let allowed = expectation.allowed.iter().chain(expectation.lingering);
        let spells = self.stage.watch.spells();
        let fired = |sign: &&Sign| {
            spells.iter().any(|spell| {
                spell.from >= round.began && spell.from <= round.ended && sign.is(spell.name(), &spell.labels)
            })
        };
        allowed.filter(fired).map(Sign::text).collect()
    }

    /// Whether everything that was expected came true.
    pub(crate) fn is_clean(&self) -> bool {
        let as_expected = |course: &Course| {
            let noticed = |outcome: &Outcome| outcome.fired.is_some() && outcome.resolved.is_some();
            course.is_named() && course.outcomes.iter().all(noticed)
        };
        let rounds =
            self.rounds.iter().all(|round| round.loud.is_none() && round.courses.iter().all(as_expected));
        rounds && self.strangers().is_empty()
    }

    /// Prints the tables.
    pub(crate) fn print(&self) {
        let columns = [
            "fault",
            "alert",
            "`for` + window",
            "fired after",
            "over after",
            "named by the logs",
            "beside it",
        ];
        let mut table = Table::new("Faults and alerts", &columns);
        for round in &self.rounds {
            for course in &round.courses {
                for (number, outcome) in course.outcomes.iter().enumerate() {
                    let first = number == 0;
                    let once = |text: String| if first { text } else { String::new() };
                    table.row(&[
                        once(format!("{}: {}", course.fault.label(), course.fault.says())),
                        outcome.sign.text(),
                        format!("{} + {} s", outcome.holds.as_secs(), outcome.window.as_secs()),
                        seconds(outcome.fired),
                        seconds(outcome.resolved),
                        once(named(course)),
                        once(self.besides(course, round).join(", ")),
                    ]);
                }
            }
        }
        table.print();
        let mut table = Table::new("What clients were answered", &["request", "times"]);
        for (answer, times) in &self.answers {
            table.row(&[answer.clone(), times.to_string()]);
        }
        table.print();
        for spell in self.strangers() {
            println!("**False alarm**: {:?}, at {:.0} s", spell.labels, self.stage.seconds(spell.from));
        }
    }

    /// What was expected, and whether it came true.
    pub(crate) fn judge(&self) -> Report {
        let mut report = Report::default();
        for course in self.rounds.iter().flat_map(|round| &round.courses) {
            let fault = course.fault.label();
            for Outcome { sign, fired, resolved, .. } in &course.outcomes {
                report.expect(format!("{fault}: {} fires in time", sign.text()), fired.is_some());
                report.expect(format!("{fault}: {} is over in time", sign.text()), resolved.is_some());
            }
            let witnesses: Vec<String> =
                course.hearings.iter().map(|hearing| hearing.witness.text()).collect();
            report.expect(
                format!("{fault}: the logs name the cause ({})", witnesses.join(", or ")),
                course.is_named(),
            );
        }
        for round in &self.rounds {
            report.expect(
                format!("all is quiet after a round ({})", round.loud.clone().unwrap_or_default()),
                round.loud.is_none(),
            );
        }
        let strangers = self.strangers();
        let names: Vec<&str> = strangers.iter().map(Spell::name).collect();
        report.expect(
            format!("no alert fires that belongs to no fault ({})", names.join(", ")),
            strangers.is_empty(),
        );
        report
    }

    /// Keeps it for programs.
    pub(crate) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let faults: Vec<Value> = self
            .rounds
            .iter()
            .flat_map(|round| round.courses.iter().map(move |course| self.course(course, round)))
            .collect();
        let strangers: Vec<Value> = self
            .strangers()
            .iter()
            .map(|spell| json!({"labels": spell.labels, "at_seconds": self.stage.seconds(spell.from)}))
            .collect();
        let report = json!({"faults": faults, "false_alarms": strangers, "answers": self.answers});
        fs::write(file, serde_json::to_string_pretty(&report)?)
            .with_context(|| format!("cannot write {}", file.display()))
    }

    fn course(&self, course: &Course, round: &Round) -> Value {
        let alerts: Vec<Value> = course
            .outcomes
            .iter()
            .map(|outcome| {
                json!({
                    "alert": outcome.sign.text(),
                    "for_seconds": outcome.holds.as_secs_f64(),
                    "window_seconds": outcome.window.as_secs_f64(),
                    "fired_after_seconds": outcome.fired.map(|after| after.as_secs_f64()),
                    "over_after_seconds": outcome.resolved.map(|after| after.as_secs_f64()),
                })
            })
            .collect();
        let witnesses: Vec<Value> = course
            .hearings
            .iter()
            .map(|hearing| json!({"wanted": hearing.witness.text(), "lines": hearing.lines, "first": hearing.first}))
            .collect();
        json!({
            "fault": course.fault.label(),
            "what": course.fault.says(),
            "began_seconds": self.stage.seconds(course.began),
            "ended_seconds": self.stage.seconds(course.ended),
            "alerts": alerts,
            "besides": self.besides(course, round),
            "witnesses": witnesses,
        })
    }
}

/// Whether a spell is a sign of a fault of this round: within it, or after it where it lingers.
fn belongs(round: &Round, spell: &Spell) -> bool {
    round.courses.iter().any(|course| {
        let expectation = course.fault.expectation();
        let is = |sign: &Sign| sign.is(spell.name(), &spell.labels);
        let within = spell.from >= round.began && spell.from <= round.ended;
        let after = spell.from >= round.began && spell.is_since(round.began);
        (within && expectation.expected.iter().chain(expectation.allowed).any(is))
            || (after && expectation.lingering.iter().any(is))
    })
}

fn named(course: &Course) -> String {
    let heard = course.hearings.iter().find(|hearing| hearing.lines > 0);
    heard.map_or_else(
        || "**no**".to_owned(),
        |hearing| format!("{} × {}", hearing.witness.text(), hearing.lines),
    )
}

fn seconds(after: Option<Duration>) -> String {
    after.map_or_else(|| "**never**".to_owned(), |after| format!("{:.0} s", after.as_secs_f64()))
}
