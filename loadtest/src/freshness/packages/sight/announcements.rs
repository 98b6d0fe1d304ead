//! Whether announcements are as new as what was acknowledged of their packages.

use super::super::desk::{Desk, Package, numbers};
use super::super::facts::{Facts, Status};
use super::{About, Announced, Finding, Look};

impl Desk {
    /// As of packages: an announcement stands as its package does.
    pub(super) fn judge_announcements(
        &self,
        about: About,
        items: &[Announced],
        is_whole: bool,
        look: Look,
    ) -> Result<Option<Finding>, String> {
        let mut there = Vec::with_capacity(items.len());
        for shown in items {
            let guide = &shown.guide_number;
            let package =
                self.found(guide).ok_or_else(|| format!("an announcement that nobody made: {guide:?}"))?;
            there.push(package.number);
            let wrong = self
                .wrongly_there(about, &package, look)
                .or_else(|| self.outdated_announcement(&package, shown, look));
            if let Some(what) = wrong {
                let what = format!("the announcement of package {} {what}", package.guide);
                return Ok(Some(Finding { what, package: Some(package) }));
            }
        }
        let last = items.last().and_then(Announced::created_micros);
        Ok(self.missing(about, &there, is_whole, last, look))
    }

    fn outdated_announcement(&self, package: &Package, shown: &Announced, look: Look) -> Option<String> {
        let Look { began, ended, .. } = look;
        let standings = package.standing.possible(began, ended);
        let of_package = shown.package.as_ref().and_then(|package| Status::parse(&package.status));
        let is_it = |facts: &Facts| {
            facts.status.of_announcement() == shown.status && of_package == Some(facts.status)
        };
        if !standings.iter().flatten().any(|facts| is_it(&facts)) {
            return Some(format!(
                "is {} with a package that is {of_package:?}; possible were {standings:?}",
                shown.status
            ));
        }
        let name = &shown.customer.name;
        let is_known = numbers(name).is_some_and(|(number, wording)| {
            let customer = self.customers.get(number);
            customer.is_some_and(|customer| customer.wording.possible(began, ended).has(wording))
        });
        (!is_known).then(|| format!("is of {name:?}, which is older than it may be"))
    }
}
