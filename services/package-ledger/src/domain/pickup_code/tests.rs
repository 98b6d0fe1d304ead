use proptest::prelude::*;

use super::*;

const PACKAGE: Uuid = Uuid::from_u128(1);
const CUSTOMER: Uuid = Uuid::from_u128(2);

fn key(secret: &str) -> PickupKey {
    PickupKey::derive(&SecretString::from(secret.repeat(32))).unwrap()
}

fn nonce(number: u128) -> [u8; 16] {
    number.to_le_bytes()
}

fn typed(text: &str) -> PickupCode {
    PickupCode::parse(text).unwrap()
}

/// The n-th guess of somebody who tries them all in order.
fn guess(number: u64) -> PickupCode {
    let mut shift = 0;
    PickupCode([b'0'; LENGTH].map(|_| {
        let symbol = symbol(number >> shift);
        shift += 5;
        symbol
    }))
}

#[test]
fn a_hundred_thousand_guesses_never_succeed() {
    let expected = code(&key("k"), PACKAGE, CUSTOMER, nonce(3));
    let mut budget = Budget::default();
    let mut wrong = 0;
    for number in 0..100_000 {
        let (outcome, next) = attempt(&expected, &guess(number), budget, 0);
        assert_ne!(outcome, Outcome::Accepted);
        wrong += u32::from(matches!(outcome, Outcome::Wrong { .. }));
        budget = next;
    }
    assert_eq!((wrong, budget.locked), (MAX_WRONG_PER_CODE, true));
    // Even the right one comes too late.
    assert_eq!(attempt(&expected, &expected, budget, 0).0, Outcome::Locked);
}

#[test]
fn a_hundred_thousand_guesses_on_ever_new_codes_never_succeed() {
    let key = key("k");
    let (mut budget, mut issued, mut in_hour) = (Budget::default(), 0, 0);
    let mut expected = code(&key, PACKAGE, CUSTOMER, nonce(0));
    for number in 0..100_000 {
        let (outcome, next) = attempt(&expected, &guess(number), budget, in_hour);
        assert!(matches!(outcome, Outcome::Wrong { .. } | Outcome::Throttled), "{outcome:?}");
        budget = next;
        in_hour += u32::from(matches!(outcome, Outcome::Wrong { .. }));
        if budget.locked {
            issued += 1;
            (budget, expected) = (Budget::default(), code(&key, PACKAGE, CUSTOMER, nonce(issued)));
        }
        if number % 1000 == 0 {
            in_hour = 0;
        }
    }
    // A hundred hours let through what the customer's budget has, and no more.
    assert!(issued <= 100 * u128::from(MAX_WRONG_PER_CUSTOMER_HOUR / MAX_WRONG_PER_CODE) + 1, "{issued}");
}

#[test]
fn the_fifth_wrong_guess_locks() {
    let expected = code(&key("k"), PACKAGE, CUSTOMER, nonce(3));
    let mut budget = Budget::default();
    for left in (0..MAX_WRONG_PER_CODE).rev() {
        let (outcome, next) = attempt(&expected, &guess(0), budget, 0);
        assert_eq!(outcome, Outcome::Wrong { left });
        assert_eq!(next.locked, left == 0);
        budget = next;
    }
    let four = Budget { wrong: 4, ..Budget::default() };
    assert_eq!(attempt(&expected, &expected, four, 0).0, Outcome::Accepted);
}

#[test]
fn a_used_code_is_void() {
    let expected = code(&key("k"), PACKAGE, CUSTOMER, nonce(3));
    let (outcome, budget) = attempt(&expected, &expected, Budget::default(), 0);
    assert_eq!(outcome, Outcome::Accepted);
    assert_eq!(attempt(&expected, &expected, budget, 0), (Outcome::Used, budget));
}

#[test]
fn a_customer_guesses_twenty_times_an_hour_over_all_codes() {
    let expected = code(&key("k"), PACKAGE, CUSTOMER, nonce(3));
    let fresh = Budget::default();
    assert_eq!(attempt(&expected, &expected, fresh, 19).0, Outcome::Accepted);
    assert_eq!(attempt(&expected, &expected, fresh, 20), (Outcome::Throttled, fresh));
}

#[test]
fn a_code_is_of_one_package_one_customer_one_nonce_and_one_key() {
    let expected = code(&key("k"), PACKAGE, CUSTOMER, nonce(3));
    assert!(expected.matches(&code(&key("k"), PACKAGE, CUSTOMER, nonce(3))));
    for other in [
        code(&key("k"), Uuid::from_u128(9), CUSTOMER, nonce(3)),
        code(&key("k"), PACKAGE, Uuid::from_u128(9), nonce(3)),
        code(&key("k"), CUSTOMER, PACKAGE, nonce(3)),
        code(&key("k"), PACKAGE, CUSTOMER, nonce(4)),
        code(&key("l"), PACKAGE, CUSTOMER, nonce(3)),
    ] {
        assert_eq!(attempt(&expected, &other, Budget::default(), 0).0, Outcome::Wrong { left: 4 });
    }
}

#[test]
fn every_character_is_as_likely_at_every_place() {
    let key = key("k");
    let mut counts = [[0_u32; 32]; LENGTH];
    let codes = 32_000;
    for number in 0..codes {
        for (place, byte) in code(&key, PACKAGE, CUSTOMER, nonce(number)).0.iter().enumerate() {
            counts[place][ALPHABET.iter().position(|symbol| symbol == byte).unwrap()] += 1;
        }
    }
    // 1000 are expected of each, with a deviation of 31: six of them leave nothing to chance.
    for count in counts.as_flattened() {
        assert!((814..1187).contains(count), "{count}");
    }
}

#[test]
fn what_a_person_types_is_read() {
    let plain = typed("01ABCDEF");
    for text in ["01abcdef", " o1AB-cdef ", "Oi ab cd ef", "0l-ab-cd-ef", "OLABCDEF"] {
        assert!(plain.matches(&typed(text)), "{text}");
    }
    for text in ["", "01ABCDE", "01ABCDEFG", "01ABCDEU", "01ABCDE!", "01ABCDEÄ", "０1ABCDEF"] {
        assert!(PickupCode::parse(text).is_none(), "{text}");
    }
}

#[test]
fn no_code_and_no_key_gets_into_a_log() {
    let expected = code(&key("secret"), PACKAGE, CUSTOMER, nonce(3));
    assert_eq!(format!("{expected:?}"), "PickupCode(…)");
    assert_eq!(format!("{:?}", key("secret")), "PickupKey(SecretBox<[u8; 32]>([REDACTED]))");
    assert_eq!(PickupKey::derive(&SecretString::from("short")).unwrap_err(), WeakSecret);
}

proptest! {
    #[test]
    fn a_code_that_is_told_is_read_back(package: u128, customer: u128, random: [u8; 16]) {
        let made = code(&key("k"), Uuid::from_u128(package), Uuid::from_u128(customer), random);
        let shown = made.reveal();
        prop_assert_eq!(shown.len(), LENGTH + 1);
        prop_assert!(!shown.contains(['I', 'L', 'O', 'U']));
        prop_assert!(made.matches(&typed(&shown.to_lowercase())));
    }

    #[test]
    fn whatever_is_typed_is_read_or_refused(text in any::<String>()) {
        if let Some(read) = PickupCode::parse(&text) {
            prop_assert!(read.0.iter().all(|byte| ALPHABET.contains(byte)));
        }
    }
}
