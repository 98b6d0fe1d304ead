//! What is out of bounds: the conditions of the alerts in `deploy/prometheus`, and those that only this view can see.
//!
//! A condition here has no `for`: it is listed while it holds. Windows are those of the alerts, as far as the monitor has watched.

use std::time::Duration;

use crate::condition::{Condition, Scope, Source, TARGET};
use crate::problem::Problem;

mod every;
mod gateway;
mod packages;
mod services;
mod stories;
mod uploads;

/// A condition with a name.
#[derive(Debug)]
pub(crate) struct Rule {
    /// What kind of problem it is.
    pub(crate) code: &'static str,
    /// The alert with the same condition, if there is one.
    pub(crate) alert: Option<&'static str>,
    /// What it is looked at by, beside the service.
    pub(crate) by: &'static [&'static str],
    /// How far back is looked; 0: between the last two scrapes.
    pub(crate) window_secs: u64,
    /// All must hold; the value and the threshold are those of the first.
    pub(crate) conditions: &'static [Condition],
    /// What to say about it.
    pub(crate) says: &'static str,
}

/// Alerts of the rules that are not looked at here, and why.
pub(crate) const NOT_WATCHED: [(&str, &str); 5] = [
    ("InstanceDown", "a target that does not answer is shown as such"),
    ("GatewayHitRateFell", "compares with yesterday"),
    ("ProcessingJobsDied", "compares with an hour ago"),
    ("StorageOrphans", "compares the passes of an hour"),
    ("all of budgets.rules.yml", "budgets of single endpoints; here every endpoint has one bound"),
];

/// All rules. Those of an alert come first: what is found by two with one code is told once.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    let alerts = gateway::RULES.iter().chain(packages::RULES).chain(stories::RULES).chain(uploads::RULES);
    alerts.chain(services::RULES).chain(every::RULES)
}

/// What is out of bounds now.
pub(crate) fn problems(sources: &[Source<'_>]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for rule in all() {
        for problem in rule.problems(sources) {
            let known = problems.iter().any(|known| known.is_about_the_same(&problem));
            if !known {
                problems.push(problem);
            }
        }
    }
    problems
}

impl Rule {
    fn problems(&self, sources: &[Source<'_>]) -> Vec<Problem> {
        let scope = Scope { sources, by: self.by, window: Duration::from_secs(self.window_secs) };
        let Some((first, others)) = self.conditions.split_first() else { return Vec::new() };
        let mut holding = first.holding(scope);
        for other in others {
            let too = other.holding(scope);
            holding.retain(|group, _| too.contains_key(group));
        }
        let told = holding.into_iter().map(|(group, value)| {
            let mut group = group.into_iter().map(|(_, value)| value);
            let service = group.next().unwrap_or_default();
            let subject = group.collect::<Vec<_>>().join(" ");
            Problem {
                code: self.code,
                alert: self.alert,
                service,
                subject: (!subject.is_empty()).then_some(subject),
                value: Some(value),
                threshold: Some(first.threshold()),
                message: self.says.to_owned(),
            }
        });
        told.collect()
    }
}

/// So that rows can be written shortly.
mod words {
    pub(super) use super::{Rule, TARGET};
    pub(super) use crate::condition::Condition::{Above, Absent, Below, Zero};
    pub(super) use crate::condition::Expr::{self, Increase, Less, Max, Plus, Quantile, Rate, Ratio, Sum};
    pub(super) use crate::condition::Is::{In, Like};
    use crate::condition::{Is, Select};

    pub(super) const fn of(metric: &'static str, labels: &'static [(&'static str, Is)]) -> Select {
        Select { metric, labels }
    }
}

#[cfg(test)]
mod tests;
