//! What both protocols demand of an answer.

use chrono::Duration;
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};
use upload_protocol::{Answer, Concat, Dialect, Limits, MAX_BYTES, State, UploadView, answer};

use crate::support::{LIMITS, RESUMABLE, now, upload};

fn complete() -> UploadView {
    let mut view = upload(100, Some(100));
    view.state = State::Complete;
    view
}

fn names(answer: &Answer) -> Vec<&str> {
    let mut names: Vec<_> = answer.fields.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names
}

#[test]
fn options_tells_all_that_is_supported() {
    let told = answer::options(Limits { max_age_secs: Some(3600), max_append_bytes: Some(50), ..LIMITS });
    assert_eq!(told.status, 204);
    for (name, expected) in [
        ("tus-version", "1.0.0"),
        ("tus-resumable", "1.0.0"),
        ("tus-max-size", "1000"),
        ("tus-checksum-algorithm", "sha1,sha256,sha512"),
        ("accept-patch", "application/partial-upload, application/offset+octet-stream"),
        ("upload-limit", "max-size=1000, max-append-size=50, max-age=3600"),
    ] {
        assert_eq!(told.get(name), Some(expected), "{name}");
    }
    let extensions: Vec<_> = told.get("tus-extension").unwrap().split(',').collect();
    assert!(extensions.contains(&"creation") && extensions.contains(&"checksum"));
    assert!(!extensions.contains(&"checksum-trailer") && !extensions.contains(&"concatenation-unfinished"));
}

#[test]
fn every_answer_in_tus_states_the_version_and_none_in_the_draft_does() {
    let view = upload(0, Some(1));
    for dialect in [Dialect::Tus, RESUMABLE] {
        for told in [
            answer::created(dialect, &view, "/files/a", now()),
            answer::offset(Some(dialect), &view, now()),
            answer::appended(dialect, &view, now()),
            answer::cancelled(Some(dialect)),
        ] {
            assert_eq!(told.get("tus-resumable").is_some(), dialect == Dialect::Tus, "{told:?}");
        }
    }
}

#[test]
fn a_creation_is_answered_with_201_and_the_address() {
    let mut view = upload(5, Some(100));
    view.expires_at = Some(now() + Duration::seconds(60));
    let told = answer::created(Dialect::Tus, &view, "/files/a", now());
    assert_eq!((told.status, told.get("location")), (201, Some("/files/a")));
    assert_eq!(told.get("upload-offset"), Some("5"), "creation-with-upload");
    assert_eq!(told.get("upload-expires"), Some("Wed, 25 Jun 2014 16:01:00 GMT"));
    let told = answer::created(RESUMABLE, &view, "/files/a", now());
    assert_eq!((told.status, told.get("location")), (201, Some("/files/a")));
    assert_eq!(told.get("upload-limit"), Some("max-size=1000, max-age=60"));
    assert_eq!(told.get("upload-complete"), Some("?0"));
    assert_eq!(told.get("upload-expires"), None);
}

#[test]
fn the_offset_is_told_even_if_it_is_0_or_all_is_there() {
    for view in [upload(0, None), upload(0, Some(5)), complete()] {
        for dialect in [None, Some(Dialect::Tus), Some(RESUMABLE)] {
            let told = answer::offset(dialect, &view, now());
            assert!(matches!(told.status, 200 | 204));
            assert_eq!(told.get("upload-offset"), Some(view.offset.to_string().as_str()));
            assert_eq!(told.get("cache-control"), Some("no-store"));
            let length = view.declared.map(|length| length.to_string());
            assert_eq!(told.get("upload-length"), length.as_deref());
        }
    }
}

#[test]
fn a_length_that_is_not_known_is_told_as_deferred_in_tus() {
    let told = |view, dialect| answer::offset(dialect, &view, now());
    assert_eq!(told(upload(1, None), Some(Dialect::Tus)).get("upload-defer-length"), Some("1"));
    assert_eq!(told(upload(1, Some(2)), Some(Dialect::Tus)).get("upload-defer-length"), None);
    assert_eq!(told(upload(1, None), Some(RESUMABLE)).get("upload-defer-length"), None);
}

#[test]
fn the_state_in_the_draft_has_completeness_and_limits() {
    let told = answer::offset(Some(RESUMABLE), &upload(100, Some(100)), now());
    assert_eq!(told.get("upload-complete"), Some("?0"), "all bytes are not yet all that will come");
    assert_eq!(told.get("upload-limit"), Some("max-size=1000"));
    assert_eq!(answer::offset(Some(RESUMABLE), &complete(), now()).get("upload-complete"), Some("?1"));
}

#[test]
fn a_client_that_states_no_dialect_is_told_both_states() {
    let told = answer::offset(None, &upload(7, None), now());
    for name in ["tus-resumable", "upload-defer-length", "upload-complete", "upload-limit"] {
        assert!(told.get(name).is_some(), "{name}");
    }
    let mut once = names(&told);
    once.dedup();
    assert_eq!(once.len(), told.fields.len(), "no name twice");
}

#[test]
fn metadata_and_concatenation_come_back_as_they_were_sent() {
    let mut view = upload(5, Some(5));
    view.metadata = Some("filename YQ==,b".to_owned());
    view.concat = Some(Concat::Partial);
    let told = answer::offset(Some(Dialect::Tus), &view, now());
    assert_eq!(told.get("upload-metadata"), Some("filename YQ==,b"));
    assert_eq!(told.get("upload-concat"), Some("partial"));
}

#[test]
fn a_final_upload_has_no_offset_before_its_parts_are_together() {
    let mut view = upload(0, Some(11));
    view.concat = Some(Concat::parse("final;/files/a /files/b").unwrap());
    view.state = State::Assembling;
    let told = answer::offset(Some(Dialect::Tus), &view, now());
    assert_eq!((told.get("upload-offset"), told.get("upload-length")), (None, Some("11")));
    assert_eq!(told.get("upload-concat"), Some("final;/files/a /files/b"));
    (view.state, view.offset) = (State::Complete, 11);
    let told = answer::offset(Some(Dialect::Tus), &view, now());
    assert_eq!((told.get("upload-offset"), told.get("upload-length")), (Some("11"), Some("11")));
}

#[test]
fn an_append_is_answered_with_204_and_the_new_offset() {
    let mut view = upload(100, Some(200));
    view.expires_at = Some(now() + Duration::milliseconds(90_500));
    let told = answer::appended(Dialect::Tus, &view, now());
    assert_eq!((told.status, told.get("upload-offset")), (204, Some("100")));
    assert_eq!(told.get("upload-expires"), Some("Wed, 25 Jun 2014 16:01:30 GMT"));
    let told = answer::appended(RESUMABLE, &view, now());
    assert_eq!((told.status, told.get("upload-complete")), (204, Some("?0")));
    assert_eq!(told.get("upload-limit"), Some("max-size=1000, max-age=90"));
    assert_eq!(answer::appended(RESUMABLE, &complete(), now()).get("upload-complete"), Some("?1"));
}

#[test]
fn only_an_unfinished_upload_is_said_to_expire() {
    let mut view = complete();
    view.expires_at = Some(now() + Duration::seconds(60));
    assert_eq!(answer::appended(Dialect::Tus, &view, now()).get("upload-expires"), None);
}

#[test]
fn a_cancellation_is_answered_with_204() {
    for dialect in [None, Some(Dialect::Tus), Some(RESUMABLE)] {
        assert_eq!(answer::cancelled(dialect).status, 204);
    }
}

#[test]
fn interim_answers_go_only_to_the_iteration_of_the_draft_we_speak() {
    let view = upload(0, None);
    for other in [
        Dialect::Tus,
        Dialect::Resumable { interop: None },
        Dialect::Resumable { interop: Some(7) },
        Dialect::Resumable { interop: Some(9) },
    ] {
        assert_eq!(answer::interim_created(other, &view, "/files/a", now()), None);
        assert_eq!(answer::interim_progress(other, 5), None);
    }
    let begun = answer::interim_created(RESUMABLE, &view, "/files/a", now()).unwrap();
    assert_eq!(begun.status, 104);
    assert_eq!(names(&begun), ["location", "upload-draft-interop-version", "upload-limit"]);
    let created = answer::created(RESUMABLE, &view, "/files/a", now());
    assert_eq!(begun.get("location"), created.get("location"), "the same in all answers to a request");
    let progress = answer::interim_progress(RESUMABLE, 5).unwrap();
    assert_eq!(progress.status, 104);
    assert_eq!(names(&progress), ["upload-draft-interop-version", "upload-offset"]);
    assert_eq!(progress.get("upload-draft-interop-version"), Some("8"));
}

#[test]
fn structured_fields_are_ones() {
    let mut view = upload(7, Some(u64::MAX));
    view.limits = Limits {
        max_bytes: u64::MAX,
        min_append_bytes: Some(1),
        max_append_bytes: Some(u64::MAX),
        max_age_secs: None,
    };
    view.expires_at = Some(now() - Duration::seconds(5));
    let told = answer::offset(Some(RESUMABLE), &view, now());
    let limits: Dictionary = Parser::new(told.get("upload-limit").unwrap()).parse().unwrap();
    let member = |name: &str| match limits.get(name) {
        Some(ListEntry::Item(Item { bare_item: BareItem::Integer(value), .. })) => i64::from(*value),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(member("max-size"), MAX_BYTES.cast_signed());
    assert_eq!(member("max-append-size"), MAX_BYTES.cast_signed());
    assert_eq!((member("min-append-size"), member("max-age")), (1, 0));
    let complete: Item = Parser::new(told.get("upload-complete").unwrap()).parse().unwrap();
    assert_eq!(complete.bare_item, BareItem::Boolean(false));
}

#[test]
fn every_field_of_an_answer_is_one_that_pages_may_be_allowed_to_read() {
    let mut view = upload(7, None);
    view.metadata = Some("a".to_owned());
    view.concat = Some(Concat::Partial);
    view.expires_at = Some(now() + Duration::seconds(5));
    for told in [
        answer::options(LIMITS),
        answer::offset(None, &view, now()),
        answer::created(RESUMABLE, &view, "/a", now()),
        answer::created(Dialect::Tus, &view, "/a", now()),
        answer::interim_progress(RESUMABLE, 5).unwrap(),
    ] {
        for name in names(&told) {
            // Pages may read the directives of caches without being allowed to.
            assert!(name == "cache-control" || answer::EXPOSED_FIELDS.contains(&name), "{name}");
            assert_eq!(name, name.to_ascii_lowercase());
        }
    }
}
