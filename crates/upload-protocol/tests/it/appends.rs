//! The rules of adding bytes, case by case.

use chrono::Duration;
use upload_protocol::{
    Append, Completes, Concat, Content, Create, Dialect, End, Ending, Gone, Limits, Refusal, State,
    UploadView, check_append, check_create,
};

use crate::support::{LIMITS, RESUMABLE, create, now, tus_create, upload};

fn asked(dialect: Dialect, completes: Completes, offset: u64, length: Option<u64>) -> Append {
    let content = Content { length, checksums: Vec::new() };
    Append { dialect, offset, declared: None, content, completes }
}

fn tus(offset: u64, length: u64) -> Append {
    asked(Dialect::Tus, Completes::AtLength, offset, Some(length))
}

fn last(offset: u64, length: u64) -> Append {
    asked(RESUMABLE, Completes::WithContent, offset, Some(length))
}

fn more(offset: u64, length: u64) -> Append {
    asked(RESUMABLE, Completes::Later, offset, Some(length))
}

fn stated(append: Append, declared: u64) -> Append {
    Append { declared: Some(declared), ..append }
}

fn refused(view: &UploadView, append: &Append) -> Refusal {
    check_append(view, append, now()).unwrap_err()
}

/// How an append that is read to its end leaves the upload.
fn ended(view: &UploadView, append: &Append, received: u64, ending: Ending) -> (u64, Option<u64>, End) {
    let settled = check_append(view, append, now()).unwrap().settle(received, ending);
    (settled.offset, settled.declared, settled.end)
}

fn begun(create: &Create) -> Result<(u64, Option<u64>, End), Refusal> {
    let plan = check_create(LIMITS, create)?;
    let settled = plan.settle(create.content.length.unwrap_or(0), Ending::Whole);
    Ok((settled.offset, settled.declared, settled.end))
}

#[test]
fn the_offset_must_be_that_of_the_upload() {
    for provided in [0, 69, 71, 100, u64::MAX] {
        for append in [tus(provided, 1), last(provided, 1), more(provided, 1)] {
            assert_eq!(refused(&upload(70, None), &append), Refusal::Offset { expected: 70, provided });
        }
    }
}

#[test]
fn in_tus_the_upload_is_complete_when_the_length_is_reached() {
    let view = upload(70, Some(100));
    assert_eq!(ended(&view, &tus(70, 29), 29, Ending::Whole), (99, Some(100), End::Open));
    assert_eq!(ended(&view, &tus(70, 30), 30, Ending::Whole), (100, Some(100), End::Complete));
    assert_eq!(
        ended(&view, &tus(70, 30), 30, Ending::Cut),
        (100, Some(100), End::Complete),
        "all bytes came, whatever became of the connection"
    );
    assert_eq!(ended(&upload(70, None), &tus(70, 30), 30, Ending::Whole), (100, None, End::Open));
}

#[test]
fn in_the_draft_the_upload_is_complete_when_the_client_says_so() {
    let view = upload(70, Some(100));
    assert_eq!(ended(&view, &more(70, 30), 30, Ending::Whole), (100, Some(100), End::Open));
    assert_eq!(ended(&view, &last(70, 30), 30, Ending::Whole), (100, Some(100), End::Complete));
    assert_eq!(ended(&upload(100, None), &last(100, 0), 0, Ending::Whole), (100, Some(100), End::Complete));
    let unannounced = asked(RESUMABLE, Completes::WithContent, 70, None);
    assert_eq!(ended(&upload(70, None), &unannounced, 5, Ending::Whole), (75, Some(75), End::Complete));
}

#[test]
fn content_that_was_cut_short_is_kept_and_completes_nothing() {
    assert_eq!(ended(&upload(70, None), &last(70, 30), 10, Ending::Cut), (80, Some(100), End::Open));
    let unannounced = asked(RESUMABLE, Completes::WithContent, 70, None);
    assert_eq!(ended(&upload(70, None), &unannounced, 5, Ending::Cut), (75, None, End::Open));
    assert_eq!(ended(&upload(70, Some(100)), &tus(70, 30), 10, Ending::Cut), (80, Some(100), End::Open));
}

#[test]
fn an_upload_that_is_declared_complete_too_early_is_not() {
    assert_eq!(refused(&upload(70, Some(100)), &last(70, 29)), Refusal::Length);
    let unannounced = asked(RESUMABLE, Completes::WithContent, 70, None);
    assert_eq!(
        ended(&upload(70, Some(100)), &unannounced, 29, Ending::Whole),
        (99, Some(100), End::Refused(Refusal::Length)),
        "what came is kept, so that the client can go on"
    );
}

#[test]
fn the_length_never_changes_once_it_is_known() {
    for append in [tus(70, 1), more(70, 1), last(70, 30)] {
        assert_eq!(refused(&upload(70, Some(100)), &stated(append.clone(), 101)), Refusal::Length);
        let plan = check_append(&upload(70, Some(100)), &stated(append, 100), now()).unwrap();
        assert_eq!(plan.declared, Some(100));
    }
    assert_eq!(refused(&upload(70, None), &stated(last(70, 30), 99)), Refusal::Length, "in one request");
    assert_eq!(refused(&upload(70, None), &stated(tus(70, 0), 69)), Refusal::Length, "less than is there");
    let learnt = check_append(&upload(70, None), &stated(tus(70, 10), 100), now()).unwrap();
    assert_eq!((learnt.declared, learnt.at_most), (Some(100), 30));
}

#[test]
fn content_beyond_the_length_is_refused_before_it_is_read() {
    for append in [tus(70, 31), last(70, 31), more(70, 31)] {
        assert_eq!(refused(&upload(70, Some(100)), &append), Refusal::Length);
    }
}

#[test]
fn content_that_runs_past_the_length_makes_the_upload_invalid() {
    for completes in [Completes::WithContent, Completes::Later] {
        let unannounced = asked(RESUMABLE, completes, 70, None);
        assert_eq!(check_append(&upload(70, Some(100)), &unannounced, now()).unwrap().at_most, 30);
        assert_eq!(
            ended(&upload(70, Some(100)), &unannounced, 31, Ending::Whole),
            (100, Some(100), End::Invalid(Refusal::Length))
        );
    }
}

#[test]
fn nothing_may_be_larger_than_the_limit() {
    assert_eq!(refused(&upload(70, None), &tus(70, 931)), Refusal::TooLarge(LIMITS));
    assert_eq!(refused(&upload(70, None), &stated(tus(70, 1), 1001)), Refusal::TooLarge(LIMITS));
    assert_eq!(refused(&upload(70, None), &last(70, u64::MAX)), Refusal::TooLarge(LIMITS));
    let unannounced = asked(Dialect::Tus, Completes::AtLength, 70, None);
    assert_eq!(
        ended(&upload(70, None), &unannounced, 931, Ending::Cut),
        (1000, None, End::Invalid(Refusal::TooLarge(LIMITS)))
    );
}

#[test]
fn one_request_may_not_carry_more_than_its_limit() {
    let limits = Limits { max_append_bytes: Some(10), ..LIMITS };
    let view = UploadView { limits, ..upload(70, Some(100)) };
    for append in [tus(70, 11), more(70, 11), last(70, 30)] {
        assert_eq!(refused(&view, &append), Refusal::TooLarge(limits));
    }
    let unannounced = asked(RESUMABLE, Completes::Later, 70, None);
    assert_eq!(
        ended(&view, &unannounced, 11, Ending::Whole),
        (80, Some(100), End::Refused(Refusal::TooLarge(limits))),
        "the upload goes on after what was kept"
    );
    assert_eq!(ended(&view, &tus(70, 10), 10, Ending::Whole), (80, Some(100), End::Open));
}

#[test]
fn one_request_may_not_carry_less_than_its_limit_unless_it_is_the_last() {
    let limits = Limits { min_append_bytes: Some(10), ..LIMITS };
    let view = UploadView { limits, ..upload(70, Some(75)) };
    assert_eq!(refused(&view, &more(70, 5)), Refusal::TooSmall(limits));
    assert_eq!(ended(&view, &last(70, 5), 5, Ending::Whole).2, End::Complete);
    assert_eq!(ended(&view, &tus(70, 5), 5, Ending::Whole).2, End::Complete, "tus cannot be told the limit");
    let only_creates = create(&[("Upload-Complete", "?0"), ("Content-Length", "0")]).unwrap();
    assert!(check_create(limits, &only_creates).is_ok());
    let carries = create(&[("Upload-Complete", "?0"), ("Content-Length", "5")]).unwrap();
    assert_eq!(check_create(limits, &carries), Err(Refusal::TooSmall(limits)));
}

#[test]
fn a_complete_upload_takes_nothing() {
    let view = UploadView { state: State::Complete, ..upload(100, Some(100)) };
    for append in [last(100, 1), more(100, 1), last(0, 100), asked(RESUMABLE, Completes::Later, 100, None)] {
        assert_eq!(refused(&view, &append), Refusal::Length, "content is an inconsistent length");
    }
    for append in [last(100, 0), more(100, 0), last(5, 0), tus(100, 0)] {
        assert_eq!(refused(&view, &append), Refusal::Completed);
    }
    assert_eq!(refused(&view, &tus(100, 1)), Refusal::Length);
    assert_eq!(
        refused(&view, &tus(70, 30)),
        Refusal::Offset { expected: 100, provided: 70 },
        "who repeats the last append of tus learns that all is there"
    );
}

#[test]
fn an_upload_that_is_gone_takes_nothing() {
    for why in [Gone::Expired, Gone::Cancelled, Gone::Invalid] {
        let view = UploadView { state: State::Gone(why), ..upload(70, None) };
        assert_eq!(refused(&view, &tus(0, 1)), Refusal::Gone(why));
    }
    let mut view = upload(70, None);
    view.expires_at = Some(now() + Duration::seconds(1));
    assert!(check_append(&view, &tus(70, 1), now()).is_ok());
    view.expires_at = Some(now());
    assert_eq!(refused(&view, &tus(70, 1)), Refusal::Gone(Gone::Expired));
}

#[test]
fn a_final_upload_takes_nothing() {
    let mut view = upload(0, Some(11));
    view.concat = Some(Concat::Final(vec!["/files/a".to_owned()]));
    for state in [State::Assembling, State::Complete] {
        view.state = state;
        for append in [tus(0, 1), last(11, 0)] {
            assert_eq!(refused(&view, &append), Refusal::FinalUpload);
        }
    }
}

#[test]
fn a_creation_may_carry_all_a_part_or_nothing() {
    let typed = ("Content-Type", "application/offset+octet-stream");
    let with = |length, content| {
        tus_create(&[typed, ("Upload-Length", length), ("Content-Length", content)]).unwrap()
    };
    assert_eq!(begun(&with("10", "0")), Ok((0, Some(10), End::Open)));
    assert_eq!(begun(&with("10", "5")), Ok((5, Some(10), End::Open)));
    assert_eq!(begun(&with("10", "10")), Ok((10, Some(10), End::Complete)));
    assert_eq!(begun(&with("0", "0")), Ok((0, Some(0), End::Complete)), "nothing is all there is");
    assert_eq!(begun(&with("10", "11")), Err(Refusal::Length));
    assert_eq!(begun(&with("1001", "0")), Err(Refusal::TooLarge(LIMITS)));
    let with =
        |complete, length| create(&[("Upload-Complete", complete), ("Content-Length", length)]).unwrap();
    assert_eq!(begun(&with("?1", "10")), Ok((10, Some(10), End::Complete)));
    assert_eq!(begun(&with("?1", "0")), Ok((0, Some(0), End::Complete)));
    assert_eq!(begun(&with("?0", "10")), Ok((10, None, End::Open)));
    assert_eq!(begun(&with("?1", "1001")), Err(Refusal::TooLarge(LIMITS)));
    let lines = [("Upload-Complete", "?1"), ("Content-Length", "10"), ("Upload-Length", "11")];
    assert_eq!(begun(&create(&lines).unwrap()), Err(Refusal::Length));
}

#[test]
fn all_bytes_without_the_word_that_these_are_all_is_a_state_of_its_own() {
    let (offset, declared, end) = ended(&upload(70, Some(100)), &more(70, 30), 30, Ending::Whole);
    assert_eq!(end, End::Open);
    let view = upload(offset, declared);
    assert!(view.awaits_completion());
    assert_eq!(ended(&view, &last(100, 0), 0, Ending::Whole).2, End::Complete);
    assert_eq!(
        ended(&view, &tus(100, 0), 0, Ending::Whole).2,
        End::Complete,
        "and an empty append of tus says it"
    );
    assert!(!upload(99, declared).awaits_completion());
    assert!(!upload(100, None).awaits_completion());
}
