#![doc = include_str!("../README.md")]

mod file;
mod pattern;

use std::collections::BTreeSet;

use file::{File, Rule};

/// Where it lies in the repository.
pub const FILE_NAME: &str = "perf.toml";

/// Upper bounds in seconds of the histogram that requests are counted in.
pub const BOUNDS_SECONDS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Upper bounds in milliseconds of the histogram that polls are counted in which held their thread for too long.
pub const BLOCKING_BOUNDS_MS: [u64; 8] = [10, 25, 50, 100, 250, 500, 1000, 2500];

/// How long a poll may block its thread where neither line nor class says so.
pub const BLOCKING_MS: u64 = 10;

/// Why a text holds no budgets.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It is not in the form.
    #[error("{0}")]
    Form(#[from] toml::de::Error),
    /// It is, and makes no sense; a line each.
    #[error("{}", .0.join("\n"))]
    Sense(Vec<String>),
}

/// Every budget that there is.
#[derive(Clone, Debug)]
pub struct Budgets {
    file: File,
}

/// What is said of a kind of operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassView<'a> {
    /// Its name.
    pub name: &'a str,
    /// What belongs to it.
    pub about: &'a str,
}

/// What is said of a service as a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective<'a> {
    /// Of a hundred answers, how many are to be no failure of ours.
    pub availability_percent: f64,
    /// The section of docs/OPERATIONS.md that says what to do when it fails.
    pub runbook: &'a str,
    /// As [`Budget::caller_statements`].
    pub caller_statements: u64,
}

/// What an answer of one operation may cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// The kind of operation.
    pub class: String,
    /// SQL statements for what is asked at most, when nothing is known from memory.
    pub statements: u64,
    /// Those that any request may run besides, now and then: to know who asks.
    pub caller_statements: u64,
    /// What 95 of 100 answers take at most until their head.
    pub p95_seconds: Option<f64>,
    /// Bytes of the body at most, before it is compressed.
    pub bytes: Option<u64>,
    /// Share of the time of an upload that may pass after its last byte.
    pub waiting_share: Option<f64>,
    /// Milliseconds that one poll may block its thread: asleep, or waiting in the kernel.
    pub blocking_ms: u64,
    /// An alert, written by hand, that looks after its time already.
    pub alert: Option<String>,
}

impl Budget {
    /// Statements that one request may run, all together.
    #[must_use]
    pub fn most_statements(&self) -> u64 {
        self.statements.saturating_add(self.caller_statements)
    }
}

impl Budgets {
    /// Reads the text of a `perf.toml`.
    ///
    /// # Errors
    /// When it is not in the form, or says what makes no sense.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let file: File = toml::from_str(text)?;
        let faults = file.faults();
        if faults.is_empty() { Ok(Self { file }) } else { Err(Fault::Sense(faults)) }
    }

    /// The services, by name.
    pub fn services(&self) -> impl Iterator<Item = (&str, Objective<'_>)> {
        self.file.services.iter().map(|(name, service)| {
            let objective = Objective {
                availability_percent: service.availability_percent,
                runbook: &service.runbook,
                caller_statements: service.caller_statements,
            };
            (name.as_str(), objective)
        })
    }

    /// The kinds of operations, by name.
    pub fn classes(&self) -> impl Iterator<Item = ClassView<'_>> {
        self.file.classes.iter().map(|(name, class)| ClassView { name, about: &class.about })
    }

    /// The budget of an operation; `None` when no line names it.
    #[must_use]
    pub fn of(&self, service: &str, operation: &str) -> Option<Budget> {
        let (_, _, rule) = self.rule(service, operation)?;
        let said = self.file.services.get(service)?;
        let class = self.file.classes.get(&rule.class)?;
        Some(Budget {
            class: rule.class.clone(),
            statements: rule.statements,
            caller_statements: said.caller_statements,
            p95_seconds: rule.p95_seconds.or(class.p95_seconds),
            bytes: rule.bytes.or(class.bytes),
            waiting_share: rule.waiting_share.or(class.waiting_share),
            blocking_ms: rule.blocking_ms.or(class.blocking_ms).unwrap_or(BLOCKING_MS),
            alert: rule.alert.clone(),
        })
    }

    /// Operations of a service without a budget, and names that are of no operation, or of such as have another line.
    #[must_use]
    pub fn faults(&self, service: &str, operations: &[&str]) -> Vec<String> {
        let Some(said) = self.file.services.get(service) else {
            return vec![format!("{service}: the service has no section — add [services.{service}]")];
        };
        let mut faults = Vec::new();
        let mut used = BTreeSet::new();
        for operation in operations {
            match self.rule(service, operation) {
                Some((line, name, _)) => drop(used.insert((line, name))),
                None => faults.push(format!("{service}: {operation} has no budget — add a line")),
            }
        }
        for (line, rule) in said.budgets.iter().enumerate() {
            let unused =
                rule.operations.iter().enumerate().filter(|(name, _)| !used.contains(&(line, *name)));
            faults.extend(unused.map(|(_, name)| {
                format!("{service}: `{name}` names no operation that a line above does not — take it out")
            }));
        }
        faults
    }

    /// The line that counts for an operation: its place, the place of the name in it, and the line.
    fn rule(&self, service: &str, operation: &str) -> Option<(usize, usize, &Rule)> {
        let rules = &self.file.services.get(service)?.budgets;
        rules.iter().enumerate().find_map(|(line, rule)| {
            let name = rule.operations.iter().position(|name| pattern::matches(name, operation))?;
            Some((line, name, rule))
        })
    }
}

#[cfg(test)]
mod tests;
