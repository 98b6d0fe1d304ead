//! The plan, turn by turn.

use super::*;

const LEAD: i64 = 600;
const ROTATION: i64 = 100_000;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn config() -> AuthConfig {
    AuthConfig {
        key_publication_lead_secs: 600,
        key_rotation_secs: 100_000,
        access_ttl_secs: 900,
        ..AuthConfig::default()
    }
}

fn key(kid: &str, not_before: i64, retired_at: Option<i64>, expires_at: Option<i64>) -> StoredKey {
    StoredKey {
        kid: kid.to_owned(),
        private_key_sealed: Vec::new(),
        public_jwk: serde_json::Value::Null,
        created_at: at(0),
        not_before: at(not_before),
        retired_at: retired_at.map(at),
        expires_at: expires_at.map(at),
    }
}

#[test]
fn the_first_key_signs_at_once() {
    let plan = plan(&[], &config(), at(5), Urgency::WhenDue);
    assert_eq!(plan, Plan { create: Some(at(5)), ..Plan::default() });
}

#[test]
fn a_young_key_is_left_alone() {
    let stored = [key("a", 0, None, None)];
    assert_eq!(plan(&stored, &config(), at(ROTATION - LEAD - 1), Urgency::WhenDue), Plan::default());
}

#[test]
fn the_next_key_is_published_ahead_and_the_last_outlives_its_tokens() {
    let stored = [key("a", 0, None, None)];
    let now = ROTATION - LEAD;
    let plan = plan(&stored, &config(), at(now), Urgency::WhenDue);
    assert_eq!(plan.create, Some(at(ROTATION)));
    assert_eq!(plan.retire, [("a".to_owned(), at(ROTATION), at(ROTATION + 900 + 600))]);
}

#[test]
fn a_second_replica_finds_nothing_left_to_do() {
    let now = ROTATION - LEAD;
    let stored = [key("b", ROTATION, None, None), key("a", 0, Some(ROTATION), Some(ROTATION + 1_500))];
    assert_eq!(plan(&stored, &config(), at(now), Urgency::WhenDue), Plan::default());
    assert_eq!(
        plan(&stored, &config(), at(now), Urgency::Now),
        Plan::default(),
        "one successor waits already"
    );
}

#[test]
fn a_key_whose_end_has_come_is_removed() {
    let stored = [key("b", 100, None, None), key("a", 0, Some(100), Some(1_600))];
    assert!(plan(&stored, &config(), at(1_599), Urgency::WhenDue).remove.is_empty());
    assert_eq!(plan(&stored, &config(), at(1_600), Urgency::WhenDue).remove, ["a"]);
}

#[test]
fn by_hand_the_next_key_still_waits_for_its_lead() {
    let stored = [key("a", 0, None, None)];
    assert_eq!(plan(&stored, &config(), at(50), Urgency::Now).create, Some(at(50 + LEAD)));
}

#[test]
fn at_once_no_older_key_is_believed_any_longer() {
    let stored =
        [key("c", 900, None, None), key("b", 100, Some(900), Some(5_000)), key("a", 0, Some(100), Some(200))];
    let plan = plan(&stored, &config(), at(300), Urgency::AtOnce);
    assert_eq!(plan.create, Some(at(300)));
    let ended = |kid: &str| (kid.to_owned(), at(300), at(300));
    assert_eq!(plan.retire, [ended("c"), ended("b")]);
    assert_eq!(plan.remove, ["a"]);
}
