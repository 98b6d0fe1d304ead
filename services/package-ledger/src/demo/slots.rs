//! The shelf of the demo desk.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::chance::Chance;
use crate::domain::tariff::SizeClass;

/// How many slots there are at least.
pub(super) const COUNT: usize = 1_200;
/// How many an aisle has: racks of ten levels each.
pub(super) const PER_AISLE: usize = 120;
const LEVELS: usize = 10;
/// The levels at the bottom take large parcels.
const LARGE_LEVELS: usize = 4;
/// 2025-01-01T00:00:00Z.
const PUT_UP_AT_SECS: i64 = 1_735_689_600;
const AISLES: &str = "ABCDEFGHJKMNPQRSTVWXYZ";

/// Which parcels a slot takes.
pub(super) fn size(slot: usize) -> SizeClass {
    if slot % LEVELS < LARGE_LEVELS { SizeClass::Extra } else { SizeClass::Small }
}

/// As it stands on the shelf: aisle, rack and level, as `A-01-01`.
pub(super) fn code(slot: usize) -> String {
    let (aisle, place) = (slot / PER_AISLE, slot % PER_AISLE);
    let hall = aisle / AISLES.len();
    let letter = AISLES.chars().nth(aisle % AISLES.len()).unwrap_or('A');
    let hall = if hall == 0 { String::new() } else { hall.to_string() };
    format!("{letter}{hall}-{:02}-{:02}", place / LEVELS + 1, place % LEVELS + 1)
}

/// When the slots were put up: always the same, so that their ids are too, whichever day the demo data are of.
pub(super) fn put_up_at() -> DateTime<Utc> {
    DateTime::from_timestamp(PUT_UP_AT_SECS, 0).unwrap_or_default()
}

/// Its id.
pub(super) fn id(slot: usize) -> Uuid {
    Chance::of("slot", u64::try_from(slot).unwrap_or(u64::MAX)).id(put_up_at())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::shelf::is_code;

    #[test]
    fn every_slot_has_a_code_of_its_own() {
        let codes: Vec<String> = (0..5_000).map(code).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 5_000);
        assert!(codes.iter().all(|code| is_code(code)));
        assert_eq!((codes[0].as_str(), codes[COUNT - 1].as_str()), ("A-01-01", "K-12-10"));
        assert_eq!((size(0), size(4)), (SizeClass::Extra, SizeClass::Small));
    }
}
