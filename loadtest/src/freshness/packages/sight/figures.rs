//! Whether the figures of the desk are possible: each counts what is surely so, and at most what may be so.

use super::super::desk::{Desk, Package};
use super::super::facts::{Facts, Status};
use super::{Figures, Look, overdue};

/// From how many to how many of something there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Range {
    least: usize,
    most: usize,
}

impl Range {
    /// Counts a package that is surely among them, or may be.
    fn count(&mut self, states: impl Iterator<Item = bool>) {
        let (mut may, mut must) = (false, true);
        for is_so in states {
            may |= is_so;
            must &= is_so;
        }
        self.least += usize::from(may && must);
        self.most += usize::from(may);
    }

    fn refuses(self, what: &str, count: usize) -> Option<String> {
        let Self { least, most } = self;
        (!(least..=most).contains(&count))
            .then(|| format!("{count} are {what}; possible were {least} to {most}"))
    }
}

/// Packages that may still change, each with the states that it may be shown in.
struct Live<'a>(Vec<(&'a Package, Vec<Option<Facts>>)>);

impl Live<'_> {
    fn count(&self, is_so: impl Fn(&Facts) -> bool) -> Range {
        let mut range = Range::default();
        for (_, possible) in &self.0 {
            range.count(possible.iter().map(|facts| facts.as_ref().is_some_and(&is_so)));
        }
        range
    }

    fn count_overdue(&self, look: Look) -> Range {
        let mut range = Range::default();
        for (package, possible) in &self.0 {
            range.count(possible.iter().flat_map(|facts| match facts {
                Some(facts) => overdue(package, facts, look).collect(),
                None => vec![false],
            }));
        }
        range
    }
}

impl Desk {
    /// The first figure that is older than it may be.
    pub(super) fn judge_figures(&self, figures: &Figures, look: Look) -> Option<String> {
        let (packages, settled) = self.live();
        let possible = |package: &Package| {
            package.standing.possible(look.began, look.ended).iter().collect::<Vec<Option<Facts>>>()
        };
        let live =
            Live(packages.iter().map(|package| (package.as_ref(), possible(package.as_ref()))).collect());
        for (status, ended) in Status::ALL.into_iter().zip(settled) {
            let Range { least, most } = live.count(|facts| facts.status == status);
            let range = Range { least: least + ended, most: most + ended };
            let count = figures.statuses.get(status.as_str()).copied().unwrap_or_default();
            if let Some(wrong) = range.refuses(status.as_str(), count) {
                return Some(wrong);
            }
        }
        let unidentified = live.count(|facts| facts.status.in_custody() && facts.customer.is_none());
        unidentified
            .refuses("unidentified", figures.unidentified)
            .or_else(|| live.count_overdue(look).refuses("overdue", figures.overdue))
            .or_else(|| self.judge_slots(figures, &live, look))
    }

    fn judge_slots(&self, figures: &Figures, live: &Live<'_>, look: Look) -> Option<String> {
        let slots = figures.slots.get("small").copied().unwrap_or_default();
        let there = slots.free + slots.held + slots.blocked;
        let possible = self.slots.possible(look.began, look.ended);
        if !possible.iter().any(|count| usize::try_from(count) == Ok(there)) {
            return Some(format!("{there} slots are there; possible were {possible:?}"));
        }
        let least = live.count(|facts| facts.status.holds_slot() == Some(true)).least;
        let most = live.count(|facts| facts.status.holds_slot() != Some(false)).most;
        Range { least, most }.refuses("slots with a package", slots.held)
    }
}
