use proptest::prelude::*;
use serde_json::json;

use super::audit::{Audit, Finding};
use super::export::{export_line, hex, read_line, unhex};
use super::verify::{check_files, verify};
use super::*;

const PACKAGE: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0abc);

fn draft(kind: &str, from: Option<Status>, to: Status, digests: Vec<[u8; 32]>) -> EventDraft {
    EventDraft {
        kind: kind.to_owned(),
        from,
        to,
        actor_id: from.map(|_| Uuid::from_u128(0xfeed)),
        actor_role: ActorRole::Operator,
        at: 1_764_600_000_123_456,
        data: json!({"weight_g": 1200, "note": "a \"corner\" is bent\n", "slot": null, "ok": true}),
        digests,
    }
}

fn chain(package_id: Uuid) -> Vec<EventRecord> {
    use Status::{Announced, Delivered, Received, Stored};
    let mut head = Head::genesis(package_id);
    [
        draft("announced", None, Announced, vec![]),
        draft("received", Some(Announced), Received, vec![[0xab; 32], [0x1f; 32]]),
        draft("stored", Some(Received), Stored, vec![]),
        draft("delivered", Some(Stored), Delivered, vec![[7; 32]]),
    ]
    .into_iter()
    .map(|draft| {
        let record = link(&head, draft).unwrap();
        head = record.head();
        record
    })
    .collect()
}

fn head_of(chain: &[EventRecord]) -> Head {
    chain.last().unwrap().head()
}

/// Makes an event's own hash right again, as somebody would who changes it.
fn rehashed(mut record: EventRecord) -> EventRecord {
    record.hash = record.computed_hash().unwrap();
    record
}

fn fault(chain: &[EventRecord], head: &Head) -> Option<(i32, Fault)> {
    verify(chain, head).err().map(|broken| (broken.seq, broken.fault))
}

fn export(chain: &[EventRecord]) -> Vec<u8> {
    chain
        .iter()
        .flat_map(|record| export_line(record).unwrap().into_bytes().into_iter().chain([b'\n']))
        .collect()
}

fn lines(export: &[u8]) -> impl Iterator<Item = &[u8]> {
    export.strip_suffix(b"\n").unwrap_or(export).split(|byte| *byte == b'\n')
}

/// The number of the event or line that is told to be wrong.
fn named(export: &[u8], head: &Head) -> Option<usize> {
    let mut records = Vec::new();
    let mut unreadable = None;
    for (index, line) in lines(export).enumerate() {
        match read_line(line) {
            Ok(record) => records.push(record),
            Err(_) => {
                unreadable = Some(index + 1);
                break;
            }
        }
    }
    match verify(&records, head) {
        // What stands before a line that cannot be read is judged; that it goes no further is no news.
        Err(broken) if unreadable.is_none() || !matches!(broken.fault, Fault::MissingTail { .. }) => {
            usize::try_from(broken.seq).ok()
        }
        _ => unreadable,
    }
}

#[test]
fn the_hash_is_that_of_the_documented_bytes() {
    let text = |text: &str| [&(text.len() as u64).to_be_bytes()[..], text.as_bytes()].concat();
    let sha = |parts: &[&[u8]]| -> [u8; 32] { Sha256::digest(parts.concat()).into() };
    let first = &chain(PACKAGE)[0];
    let second = &chain(PACKAGE)[1];
    let genesis = sha(&[&text("aldia package-ledger custody genesis"), &[1], PACKAGE.as_bytes()]);
    assert_eq!(first.prev_hash, genesis);
    let expected = sha(&[
        &text("aldia package-ledger custody event"),
        &[1],
        &first.hash,
        PACKAGE.as_bytes(),
        &2_u64.to_be_bytes(),
        &text("received"),
        &[1],
        &text("announced"),
        &text("received"),
        &[1],
        Uuid::from_u128(0xfeed).as_bytes(),
        &text("operator"),
        &1_764_600_000_123_456_u64.to_be_bytes(),
        &text(r#"{"note":"a \"corner\" is bent\n","ok":true,"slot":null,"weight_g":1200}"#),
        &2_u64.to_be_bytes(),
        &[0xab; 32],
        &[0x1f; 32],
    ]);
    assert_eq!(hex(&second.hash), hex(&expected));
    // Made once by another program: what was exported long ago can still be checked.
    assert_eq!(hex(&first.hash), "a8f3f4125c7a1291a8b6e34fad3fe30651d4fa7e5c827d5133e9a96d9ed6e87c");
}

#[test]
fn a_whole_chain_is_told_whole() {
    let chain = chain(PACKAGE);
    assert_eq!(verify(&chain, &head_of(&chain)), Ok(()));
    assert_eq!(verify(&[], &Head::genesis(PACKAGE)), Ok(()));
}

#[test]
fn every_kind_of_break_is_named_with_its_event() {
    let whole = chain(PACKAGE);
    let head = head_of(&whole);
    let changed = |index: usize, change: fn(&mut EventRecord)| {
        let mut chain = whole.clone();
        change(&mut chain[index]);
        chain
    };
    assert_eq!(fault(&changed(1, |event| event.at += 1), &head), Some((2, Fault::Hash)));
    assert_eq!(fault(&changed(2, |event| event.prev_hash[0] ^= 1), &head), Some((3, Fault::Link)));
    assert_eq!(fault(&changed(2, |event| event.data = json!({"x": 0.5})), &head), Some((3, Fault::Data)));
    let foreign = changed(2, |event| event.package_id = Uuid::nil());
    assert_eq!(fault(&foreign, &head), Some((3, Fault::ForeignPackage(Uuid::nil()))));
    let mut swapped = whole.clone();
    swapped.swap(1, 2);
    assert_eq!(fault(&swapped, &head), Some((2, Fault::Order { found: 3 })));
    assert_eq!(fault(&whole[..2], &head), Some((3, Fault::MissingTail { last: 4 })));
    assert_eq!(fault(&[], &head), Some((1, Fault::MissingTail { last: 4 })));
    assert_eq!(fault(&whole, &whole[2].head()), Some((4, Fault::BeyondHead)));
}

#[test]
fn a_change_with_its_hash_made_right_is_seen_at_the_next_event_and_at_the_head() {
    let whole = chain(PACKAGE);
    let head = head_of(&whole);
    let mut changed = whole.clone();
    changed[1] = rehashed(EventRecord { to: Status::Lost, ..changed[1].clone() });
    assert_eq!(fault(&changed, &head), Some((3, Fault::Link)));
    let mut last = whole.clone();
    last[3] = rehashed(EventRecord { at: 0, ..last[3].clone() });
    assert_eq!(fault(&last, &head), Some((4, Fault::Head)));
}

#[test]
fn a_chain_does_not_pass_for_that_of_another_package() {
    let other = Uuid::from_u128(5);
    let mut copied = chain(PACKAGE);
    for record in &mut copied {
        *record = rehashed(EventRecord { package_id: other, ..record.clone() });
    }
    assert_eq!(fault(&copied, &head_of(&copied)), Some((1, Fault::Link)));
}

#[test]
fn another_file_is_named_with_its_event() {
    let received = &chain(PACKAGE)[1];
    let (first, second) = (Some([0xab; 32]), Some([0x1f; 32]));
    assert_eq!(check_files(received, &[first, second]), Ok(()));
    // Photos may be gone after a while.
    assert_eq!(check_files(received, &[None, None]), Ok(()));
    for (found, index) in
        [(vec![first, first], 1), (vec![second, first], 0), (vec![first], 1), (vec![first, second, first], 2)]
    {
        let broken = check_files(received, &found).unwrap_err();
        assert_eq!((broken.seq, broken.fault), (2, Fault::File { index }));
    }
}

#[test]
fn whichever_byte_of_an_export_is_changed_its_event_is_named() {
    let chain = chain(PACKAGE);
    let head = head_of(&chain);
    let export = export(&chain);
    assert_eq!(named(&export, &head), None);
    let mut event = 1;
    for index in 0..export.len() {
        for mask in [0x01, 0x04, 0x20, 0x80, 0xff] {
            let mut changed = export.clone();
            changed[index] ^= mask;
            assert_eq!(named(&changed, &head), Some(event), "byte {index} with {mask:#x}");
        }
        event += usize::from(export[index] == b'\n');
    }
    assert_eq!(event, 5);
}

#[test]
fn a_line_is_read_in_one_spelling_only() {
    let record = &chain(PACKAGE)[1];
    let line = export_line(record).unwrap();
    assert_eq!(read_line(line.as_bytes()).unwrap(), *record);
    for other in [
        line.replacen(",", ", ", 1),
        line.replace(&hex(&record.hash), &hex(&record.hash).to_uppercase()),
        line.replace(&PACKAGE.to_string(), &PACKAGE.simple().to_string()),
        line.replacen("\"kind\":\"received\"", "\"kind\":\"\\u0072eceived\"", 1),
        line.replacen("1200", "1.2e3", 1),
        line.replacen("\"seq\":2", "\"seq\":2,\"seq\":2", 1),
        line.replacen("\"actor_id\"", "\"actor\"", 1),
        format!("{line}\r"),
    ] {
        assert_ne!(other, line);
        assert!(read_line(other.as_bytes()).is_err(), "{other}");
    }
    assert_eq!(unhex(&"a".repeat(63)), None);
    assert_eq!(unhex(&"g".repeat(64)), None);
}

#[test]
fn many_packages_are_checked_one_after_the_other() {
    let chains: Vec<_> = (1..=3).map(|id| chain(Uuid::from_u128(id))).collect();
    let heads: Vec<_> = chains.iter().map(|chain| head_of(chain)).collect();
    let run = |mut audit: Audit, chains: &[Vec<EventRecord>]| {
        for line in chains.iter().flatten() {
            audit.line(export_line(line).unwrap().as_bytes());
        }
        audit.finish()
    };
    let whole = run(Audit::with_heads(heads.clone()), &chains);
    assert!(whole.is_whole() && whole.knows_heads);
    assert_eq!((whole.packages, whole.events), (3, 12));

    let mut cut = chains.clone();
    cut[1][2].at += 1;
    cut[2].pop();
    let told = run(Audit::with_heads(heads.clone()), &cut);
    let found = told.findings.iter().map(|finding| match finding {
        Finding::Broken(broken) => (broken.package_id.as_u128(), broken.seq, broken.fault.clone()),
        Finding::Unreadable { line, .. } => panic!("line {line}"),
    });
    let expected = [(2, 3, Fault::Hash), (3, 4, Fault::MissingTail { last: 4 })];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    // Without heads nobody can tell that the end is missing, and the verdict says so.
    let blind = run(Audit::without_heads(), &cut);
    assert!(blind.findings.len() == 1 && !blind.knows_heads);

    // Ends of earlier: the chain goes through them, and on.
    let earlier = |seq: usize, hash| Head { seq: i32::try_from(seq).unwrap(), hash, ..heads[1] };
    let went_on = Audit::with_heads(heads.clone()).and_earlier([earlier(2, chains[1][1].hash), heads[0]]);
    assert!(run(went_on, &chains).is_whole());
    for (kept, expected) in [
        (earlier(2, chains[1][2].hash), (2, Fault::Head)),
        (earlier(7, chains[1][2].hash), (5, Fault::MissingTail { last: 7 })),
    ] {
        let told = run(Audit::without_heads().and_earlier([kept]), &chains);
        assert!(
            matches!(&told.findings[..], [Finding::Broken(broken)] if (broken.seq, broken.fault.clone()) == expected)
        );
    }
    let gone = Audit::without_heads().and_earlier([Head { package_id: Uuid::from_u128(9), ..heads[1] }]);
    assert_eq!(run(gone, &chains).findings.len(), 1, "a package that is not there any more");

    let absent = run(Audit::with_heads(heads.clone()), &chains[..2]);
    assert!(matches!(&absent.findings[..], [Finding::Broken(broken)] if broken.package_id.as_u128() == 3));
    let unknown = run(Audit::with_heads(heads[..2].to_vec()), &chains);
    assert!(matches!(&unknown.findings[..], [Finding::Broken(broken)] if broken.fault == Fault::UnknownHead));
}

#[test]
fn a_line_that_cannot_be_read_is_named_by_its_number() {
    let chain = chain(PACKAGE);
    let mut audit = Audit::with_heads([head_of(&chain)]);
    audit.line(export_line(&chain[0]).unwrap().as_bytes());
    audit.line(b"{}");
    let verdict = audit.finish();
    assert!(matches!(verdict.findings[0], Finding::Unreadable { line: 2, .. }));
}

#[test]
fn what_has_no_one_spelling_is_not_recorded() {
    let float = EventDraft { data: json!({"kg": 1.5}), ..draft("received", None, Status::Received, vec![]) };
    assert_eq!(link(&Head::genesis(PACKAGE), float), Err(NotCanonical::Float));
    let last = Head { seq: i32::MAX, ..Head::genesis(PACKAGE) };
    assert_eq!(link(&last, draft("received", None, Status::Received, vec![])), Err(NotCanonical::TooLong));
}

proptest! {
    #[test]
    fn whatever_happened_is_exported_read_back_and_whole(
        package: u128,
        kinds in prop::collection::vec(("[^\0]{0,12}", any::<i64>(), any::<[u8; 32]>(), prop::sample::select(Status::ALL)), 0..5),
    ) {
        let mut head = Head::genesis(Uuid::from_u128(package));
        let mut read = Vec::new();
        for (kind, at, digest, to) in kinds {
            let data = json!({ &kind: at });
            let event = EventDraft { at, data, ..draft(&kind, None, to, vec![digest]) };
            let record = link(&head, event).unwrap();
            head = record.head();
            let line = export_line(&record).unwrap();
            prop_assert!(!line.contains('\n'));
            read.push(read_line(line.as_bytes()).unwrap());
        }
        prop_assert_eq!(verify(&read, &head), Ok(()));
    }

    #[test]
    fn whatever_two_parts_are_swapped_or_dropped_is_seen(first in 0..4_usize, second in 0..4_usize) {
        let whole = chain(PACKAGE);
        let head = head_of(&whole);
        let mut swapped = whole.clone();
        swapped.swap(first, second);
        prop_assert_eq!(verify(&swapped, &head).is_ok(), first == second);
        let mut dropped = whole;
        dropped.remove(first);
        prop_assert!(verify(&dropped, &head).is_err());
    }
}
