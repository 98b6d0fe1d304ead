//! How a package stands, as far as it is judged, and what it costs.

/// Where a package stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Announced,
    Received,
    Stored,
    Notified,
    Delivered,
    Returned,
    Cancelled,
    Lost,
    Damaged,
}

impl Status {
    pub(crate) const ALL: [Self; 9] = [
        Self::Announced,
        Self::Received,
        Self::Stored,
        Self::Notified,
        Self::Delivered,
        Self::Returned,
        Self::Cancelled,
        Self::Lost,
        Self::Damaged,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Received => "received",
            Self::Stored => "stored",
            Self::Notified => "notified",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
            Self::Damaged => "damaged",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Nothing can happen to it any more.
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Returned | Self::Cancelled)
    }

    /// The desk has it.
    pub(crate) fn in_custody(self) -> bool {
        matches!(self, Self::Received | Self::Stored | Self::Notified | Self::Damaged)
    }

    /// Whether it lies in a slot; none where it may or may not.
    pub(crate) fn holds_slot(self) -> Option<bool> {
        match self {
            Self::Stored | Self::Notified => Some(true),
            Self::Damaged => None,
            _ => Some(false),
        }
    }

    /// What its announcement is then.
    pub(crate) fn of_announcement(self) -> &'static str {
        match self {
            Self::Announced => "pending",
            Self::Cancelled => "cancelled",
            _ => "matched",
        }
    }
}

/// A package that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) status: Status,
    pub(crate) version: i64,
    /// By number.
    pub(crate) customer: Option<usize>,
    pub(crate) paid_minor: i64,
    pub(crate) waived_minor: i64,
}

/// What the first version of the tariff asks for a small package, in minor units.
pub(crate) const BASE_MINOR: i64 = 150_000;
/// And for each further period.
pub(crate) const RATE_MINOR: i64 = 100_000;
/// Hours of a period, the first of which is included.
pub(crate) const PERIOD_HOURS: i64 = 24;

impl Facts {
    /// The same one change later.
    pub(crate) fn next(self) -> Self {
        Self { version: self.version + 1, ..self }
    }

    /// The same in another status, one change later.
    pub(crate) fn now(self, status: Status) -> Self {
        Self { status, ..self.next() }
    }

    /// What it costs in the period of this number, counted from 1; none where that is not judged.
    pub(crate) fn total_minor(&self, period: i64) -> Option<i64> {
        match self.status {
            Status::Announced => Some(0),
            // Taken back: before or after its reception.
            Status::Cancelled => None,
            _ => Some((BASE_MINOR + RATE_MINOR * (period - 1) - self.waived_minor).max(0)),
        }
    }

    /// What is still to be paid in its first period.
    pub(crate) fn due_minor(&self) -> i64 {
        (BASE_MINOR - self.waived_minor - self.paid_minor).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_known_by_its_name() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("overdue"), None);
    }

    #[test]
    fn each_further_period_costs_the_rate_and_waivers_lower_it_to_nothing() {
        let facts = Facts {
            status: Status::Stored,
            version: 3,
            customer: Some(0),
            paid_minor: 50_000,
            waived_minor: 20_000,
        };
        assert_eq!(facts.total_minor(1), Some(130_000));
        assert_eq!(facts.total_minor(3), Some(330_000));
        assert_eq!(facts.due_minor(), 80_000);
        assert_eq!(Facts { waived_minor: 400_000, ..facts }.total_minor(1), Some(0));
        assert_eq!(facts.now(Status::Announced).total_minor(9), Some(0));
        assert_eq!(facts.now(Status::Notified).version, 4);
    }
}
