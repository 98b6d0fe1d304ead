//! What an answer shows, and whether that is as new as what was acknowledged before it was asked for, and as what the clock has changed.

mod announcements;
mod figures;
mod shown;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use super::desk::{Desk, EXACT, Package, customer_of, numbers};
use super::facts::{Facts, Status};
pub(crate) use shown::{Announced, Figures, Seen, Shown};

/// Of which packages a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    All,
    In(&'static [Status]),
    Overdue,
    Of(usize),
    Unidentified,
    Numbered(usize),
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// A list from its beginning, or some later page of it.
    List {
        filter: Filter,
        is_first: bool,
    },
    /// One package, by number.
    Package {
        number: usize,
    },
    /// Announcements: those that are waited for, or all.
    Announcements {
        only_pending: bool,
    },
    Figures,
}

/// What is wrong, and with which package.
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) package: Option<Arc<Package>>,
}

/// Who asked, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) viewer: usize,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
}

/// Whether a package is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sight {
    may: bool,
    must: bool,
}

impl Filter {
    fn fits(self, package: &Package, facts: &Facts, is_overdue: bool) -> bool {
        match self {
            Self::All => true,
            Self::In(statuses) => statuses.contains(&facts.status),
            Self::Overdue => is_overdue,
            Self::Of(customer) => facts.customer == Some(customer),
            Self::Unidentified => facts.customer.is_none(),
            Self::Numbered(number) => package.number == number,
        }
    }
}

/// Which of `false` and `true` a package may be, as to whether it is overdue.
fn overdue(package: &Package, facts: &Facts, look: Look) -> impl Iterator<Item = bool> + use<> {
    let ends = package.tick.is_some_and(|tick| tick.is_hold_end);
    let may_be = matches!(facts.status, Status::Stored | Status::Notified) && ends;
    let ticked = package.ticked(look.began, look.ended);
    let not_yet = !may_be || ticked.before;
    [(not_yet, false), (may_be && ticked.after, true)]
        .into_iter()
        .filter(|(is_possible, _)| *is_possible)
        .map(|(_, is_overdue)| is_overdue)
}

impl Desk {
    /// The first thing that is older than what was acknowledged before the look began; an error says that something cannot be recognised.
    pub(crate) fn judge(&self, about: About, seen: &Seen, look: Look) -> Result<Option<Finding>, String> {
        match seen {
            Seen::Packages { items, is_whole, valid_until } => {
                let late = valid_until.filter(|until| self.is_over(*until, look));
                if let Some(until) = late {
                    let over_micros = self.micros(look.began) - until;
                    let what = format!("it was right only until {over_micros} µs before it was asked for");
                    return Ok(Some(Finding { what, package: None }));
                }
                self.judge_packages(about, items, *is_whole, look)
            }
            Seen::Announcements { items, is_whole } => {
                self.judge_announcements(about, items, *is_whole, look)
            }
            Seen::Figures(figures) => {
                Ok(self.judge_figures(figures, look).map(|what| Finding { what, package: None }))
            }
        }
    }

    fn is_over(&self, until_micros: i64, look: Look) -> bool {
        let exact = i64::try_from(EXACT.as_micros()).unwrap_or_default();
        until_micros.saturating_add(exact) <= self.micros(look.began)
    }

    fn judge_packages(
        &self,
        about: About,
        items: &[Shown],
        is_whole: bool,
        look: Look,
    ) -> Result<Option<Finding>, String> {
        let mut there = Vec::with_capacity(items.len());
        for shown in items {
            let guide = shown.guide_number.as_deref().unwrap_or_default();
            let package =
                self.found(guide).ok_or_else(|| format!("a package that nobody made: {guide:?}"))?;
            there.push(package.number);
            let wrong =
                self.wrongly_there(about, &package, look).or_else(|| self.outdated(&package, shown, look));
            if let Some(what) = wrong {
                let what = format!("package {} {what}", package.guide);
                return Ok(Some(Finding { what, package: Some(package) }));
            }
        }
        let last = items.last().and_then(|shown| shown.created_micros());
        Ok(self.missing(about, &there, is_whole, last, look))
    }

    /// One that had to be shown: on a list that goes on, only what comes before its last entry is missed.
    fn missing(
        &self,
        about: About,
        there: &[usize],
        is_whole: bool,
        last: Option<i64>,
        look: Look,
    ) -> Option<Finding> {
        if matches!(about, About::List { is_first: false, .. }) {
            return None;
        }
        let within = |package: &Package| {
            is_whole || last.is_some_and(|last| package.created_at().is_some_and(|at| at > last))
        };
        let missed = self.expected(about).into_iter().find(|package| {
            !there.contains(&package.number) && within(package) && self.sight(about, package, look).must
        })?;
        let standings = missed.standing.possible(look.began, look.ended);
        let what = format!(
            "package {} is not there, which the asker had to see: {standings:?}, ticks: {:?}",
            missed.guide, missed.tick
        );
        Some(Finding { what, package: Some(missed) })
    }

    fn expected(&self, about: About) -> Vec<Arc<Package>> {
        match about {
            About::Package { number } => self.package(number).into_iter().collect(),
            About::Figures => Vec::new(),
            About::List { .. } | About::Announcements { .. } => self.live().0,
        }
    }

    /// Whether the answer may, and whether it must, show a package.
    fn sight(&self, about: About, package: &Package, look: Look) -> Sight {
        let mut sight = Sight { may: false, must: true };
        let mut weigh = |shows: bool| {
            sight.may |= shows;
            sight.must &= shows;
        };
        let own = customer_of(look.viewer);
        for standing in package.standing.possible(look.began, look.ended).iter() {
            let Some(facts) = standing else {
                weigh(false);
                continue;
            };
            let is_seen = own.is_none_or(|own| facts.customer == Some(own));
            match about {
                About::List { filter, .. } => overdue(package, &facts, look)
                    .for_each(|is_overdue| weigh(is_seen && filter.fits(package, &facts, is_overdue))),
                About::Package { number } => weigh(is_seen && package.number == number),
                About::Announcements { only_pending } => {
                    let is_pending = facts.status == Status::Announced;
                    weigh(is_seen && package.is_announced && (is_pending || !only_pending));
                }
                About::Figures => weigh(false),
            }
        }
        sight
    }

    fn wrongly_there(&self, about: About, package: &Package, look: Look) -> Option<String> {
        if self.sight(about, package, look).may {
            return None;
        }
        let standings = package.standing.possible(look.began, look.ended);
        Some(format!("is there although it does not belong there: {standings:?}, ticks: {:?}", package.tick))
    }

    /// What the package shows that is older than it may be.
    fn outdated(&self, package: &Package, shown: &Shown, look: Look) -> Option<String> {
        let Look { began, ended, .. } = look;
        let customer = match &shown.customer {
            Some(customer) => {
                let Some((number, wording)) = numbers(&customer.name) else {
                    return Some(format!("is of {:?}, whom nobody called so", customer.name));
                };
                let wordings = self.customers.get(number)?.wording.possible(began, ended);
                if !wordings.has(wording) {
                    return Some(format!(
                        "is of customer {number} in wording {wording}; possible were {wordings:?}"
                    ));
                }
                Some(number)
            }
            None => None,
        };
        let standings = package.standing.possible(began, ended);
        let is_it = |facts: &Facts| {
            facts.status.as_str() == shown.status
                && facts.version == shown.version
                && facts.customer == customer
                && facts.paid_minor == shown.fee.paid.amount_minor
                // Of what was taken back nothing is left to be waived.
                && (facts.status == Status::Cancelled || facts.waived_minor == shown.fee.waived.amount_minor)
        };
        let Some(facts) = standings.iter().flatten().find(is_it) else {
            return Some(format!(
                "is {} in version {} of customer {customer:?}, paid {}, waived {}; possible were {standings:?}",
                shown.status, shown.version, shown.fee.paid.amount_minor, shown.fee.waived.amount_minor
            ));
        };
        self.mispriced(package, &facts, shown, look)
    }

    /// What the clock has changed and the package does not show.
    fn mispriced(&self, package: &Package, facts: &Facts, shown: &Shown, look: Look) -> Option<String> {
        let totals: Vec<Option<i64>> =
            package.periods(look.began, look.ended).map(|periods| facts.total_minor(periods)).collect();
        let total = shown.fee.total.amount_minor;
        if !totals.iter().any(|possible| possible.is_none_or(|possible| possible == total)) {
            return Some(format!("costs {total}; possible were {totals:?}, ticks: {:?}", package.tick));
        }
        let due = shown.fee.due.amount_minor;
        // Nobody pays for what cannot be found.
        let owed = if facts.status == Status::Lost { 0 } else { (total - facts.paid_minor).max(0) };
        if facts.status != Status::Cancelled && due != owed {
            return Some(format!("costs {total}, paid {}, and {due} is due", facts.paid_minor));
        }
        if !overdue(package, facts, look).any(|is_overdue| is_overdue == shown.is_overdue) {
            return Some(format!("has is_overdue {}, ticks: {:?}", shown.is_overdue, package.tick));
        }
        let is_held = shown.slot.is_some();
        let is_wrong = facts.status.holds_slot().is_some_and(|holds| holds != is_held);
        is_wrong.then(|| format!("is {} in slot {:?}", facts.status.as_str(), shown.slot))
    }
}
