//! Keys: what is the same address, what never is, and that both forms agree.

use proptest::prelude::*;

use super::*;

fn key<'a>(host: &'a str, target: &'a str) -> KeyRef<'a> {
    KeyRef::new(AudienceClass::Anonymous, Scheme::Http, host, target)
}

fn hash(value: impl Hash) -> u64 {
    KeyHasher::default().hash_one(value)
}

fn any_class() -> impl Strategy<Value = AudienceClass> {
    prop_oneof![
        Just(AudienceClass::Anonymous),
        Just(AudienceClass::Token),
        any::<[u8; 16]>().prop_map(AudienceClass::Principal),
        any::<[u8; 16]>().prop_map(AudienceClass::Rights),
        // Near one another, so that a comparison that stops early is found.
        (0_u8..2)
            .prop_map(|last| AudienceClass::Principal([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last])),
    ]
}

fn any_scheme() -> impl Strategy<Value = Scheme> {
    prop_oneof![Just(Scheme::Http), Just(Scheme::Https)]
}

#[test]
fn one_address_has_one_key_however_its_host_is_written() {
    let plain = key("example.com", "/a?b=c");
    for other in
        [key("EXAMPLE.com", "/a?b=c"), key("example.com:80", "/a?b=c"), key("Example.Com:80", "/a?b=c")]
    {
        assert_eq!(other, plain);
        assert_eq!(hash(&other), hash(&plain));
        assert_eq!(other.to_key(), plain.to_key());
    }
    assert_eq!(key("h", ""), key("h", "/"));
}

#[test]
fn what_is_another_address_has_another_key() {
    let plain = key("h", "/a");
    for other in [
        key("h", "/A"),
        key("h", "/a?"),
        key("h:443", "/a"),
        key("h:8080", "/a"),
        key("h/", "a"),
        key("", "h/a"),
    ] {
        assert_ne!(other, plain, "{other}");
        assert!(!other.equivalent(&plain.to_key()), "{other}");
    }
    let https = KeyRef::new(AudienceClass::Anonymous, Scheme::Https, "h", "/a");
    assert!(!https.equivalent(&plain.to_key()));
    assert_eq!(KeyRef::new(AudienceClass::Anonymous, Scheme::Https, "h:443", "/a"), https);
}

#[test]
fn the_classes_of_one_address_are_apart() {
    let plain = key("h", "/a");
    let principal = plain.for_class(AudienceClass::Principal([1; 16]));
    let other = plain.for_class(AudienceClass::Principal([2; 16]));
    // The same hash of rights is not a principal.
    let rights = plain.for_class(AudienceClass::Rights([1; 16]));
    assert_ne!(rights, principal);
    assert_ne!(rights.to_key(), principal.to_key());
    let token = plain.for_class(AudienceClass::Token);
    let all = [plain, token, principal, other];
    for (i, one) in all.iter().enumerate() {
        for (j, two) in all.iter().enumerate() {
            assert_eq!(one.equivalent(&two.to_key()), i == j, "{one} {two}");
        }
    }
}

#[test]
fn a_key_reads_as_an_address() {
    let key = KeyRef::new(AudienceClass::Token, Scheme::Https, "h:8443", "/a?b");
    assert_eq!(key.to_key().to_string(), "https://h:8443/a?b (token)");
    let principal = key.for_class(AudienceClass::Principal([0xab; 16]));
    assert_eq!(principal.to_string(), format!("https://h:8443/a?b (principal {})", "ab".repeat(16)));
}

#[test]
fn the_owned_key_is_two_words() {
    assert_eq!(size_of::<Key>(), 16);
}

proptest! {
    #[test]
    fn both_forms_agree(class in any_class(), scheme in any_scheme(), host in "[a-zA-Z.:0-9]{0,12}", target in "[/a-z?=%]{0,12}") {
        let borrowed = KeyRef::new(class, scheme, &host, &target);
        let owned = borrowed.to_key();
        prop_assert!(borrowed.equivalent(&owned));
        prop_assert_eq!(hash(&borrowed), hash(&owned));
        prop_assert_eq!(owned.as_key_ref(), borrowed);
    }

    #[test]
    fn keys_are_equivalent_only_when_every_part_is(
        a in (any_class(), any_scheme(), "[ab]{0,3}", "[/ab]{0,3}"),
        b in (any_class(), any_scheme(), "[ab]{0,3}", "[/ab]{0,3}"),
    ) {
        let (left, right) = (KeyRef::new(a.0, a.1, &a.2, &a.3), KeyRef::new(b.0, b.1, &b.2, &b.3));
        let target = |text: &String| if text.is_empty() { "/".to_owned() } else { text.clone() };
        let same = (a.0, a.1, &a.2, target(&a.3)) == (b.0, b.1, &b.2, target(&b.3));
        prop_assert_eq!(left.equivalent(&right.to_key()), same);
    }
}
