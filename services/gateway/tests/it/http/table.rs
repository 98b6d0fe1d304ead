//! `docs/HTTP.md`: each of its rows is held by a test that exists, or says openly why not.

use crate::documented::Documented;

const TABLE: Documented = Documented(include_str!("../../../../../docs/HTTP.md"));

#[test]
fn every_row_is_held_by_a_test_or_says_why_not() {
    TABLE.check_rows(150, &["MUST", "MUST NOT", "SHOULD", "SHOULD NOT"]);
    for row in TABLE.rows() {
        assert!(row[0].starts_with(|c: char| c.is_ascii_digit()), "{row:?}");
    }
}

#[test]
fn every_test_named_exists() {
    TABLE.check_tests();
}
