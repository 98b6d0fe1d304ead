use proptest::prelude::*;

use super::*;

/// Every step from every status, as the desk's rules have it; `-` where it cannot be taken.
const TABLE: &str = "
from       announce  receive  store  notify   deliver   return   abandon   cancel    lose damage  find   identify  withdraw
none       announced received -      -        -         -        -         -         -    -       -      -         -
announced  -         received -      -        -         -        -         cancelled -    -       -      -         cancelled
received   -         -        stored -        -         -        -         cancelled lost damaged -      received  -
stored     -         -        -      notified delivered returned abandoned -         lost damaged -      stored    -
notified   -         -        -      -        delivered returned abandoned -         lost damaged -      stored    -
delivered  -         -        -      -        -         -        -         -         -    -       -      -         -
returned   -         -        -      -        -         -        -         -         -    -       -      -         -
abandoned  -         -        -      -        -         -        -         -         -    -       -      -         -
cancelled  -         -        -      -        -         -        -         -         -    -       -      -         -
lost       -         -        -      -        -         -        -         -         -    -       stored lost      -
damaged    -         -        -      -        delivered returned -         -         lost -       -      damaged   -
";

fn everything(role: Role) -> Facts {
    Facts {
        role,
        is_guide_valid: true,
        has_open_duplicate: false,
        takes_unannounced: true,
        photos: MIN_PHOTOS,
        is_condition_set: true,
        holds_slot: true,
        is_message_delivered: true,
        is_identified: true,
        is_recipient_proven: true,
        balance_due_minor: 0,
        sms: 3,
        calls: 2,
        min_sms: 3,
        min_calls: 2,
        held_for: TimeDelta::days(45),
        abandoned_after: TimeDelta::days(45),
        is_reason_given: true,
        has_evidence: true,
    }
}

fn table() -> Vec<(Option<Status>, Action, Option<Status>)> {
    let mut lines = TABLE.trim().lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let of = |name: &&str| Action::parse(name).unwrap();
    let actions: Vec<Action> = head[1..].iter().map(of).collect();
    assert_eq!(actions, Action::ALL);
    lines
        .flat_map(|cells| {
            let from = Status::parse(cells[0]);
            assert!(from.is_some() || cells[0] == "none");
            assert_eq!(cells.len(), 14);
            let to: Vec<_> = cells[1..].iter().map(|cell| Status::parse(cell)).collect();
            actions
                .clone()
                .into_iter()
                .zip(to)
                .map(move |(action, to)| (from, action, to))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_step_from_every_status_is_as_the_table_says() {
    let table = table();
    assert_eq!(table.len(), (Status::ALL.len() + 1) * Action::ALL.len());
    for (from, action, to) in table {
        let taken = next(from, action, &everything(Role::Admin));
        assert_eq!(taken.as_ref().ok(), to.as_ref(), "{from:?} {action:?}");
        if let Err(refusal) = taken {
            assert_eq!(refusal.code(), "transition_not_allowed");
            assert_eq!(refusal.allowed, allowed(from));
        }
        assert_eq!(allowed(from).contains(&action), to.is_some());
    }
}

#[test]
fn nothing_leads_out_of_a_terminal_status_and_something_out_of_every_other() {
    for status in Status::ALL {
        assert_eq!(status.is_terminal(), allowed(Some(*status)).is_empty(), "{status:?}");
        assert!(!(status.is_terminal() && status.in_custody()));
        assert!(!status.runs_clock() || status.in_custody());
    }
    let held: Vec<_> = Status::ALL.iter().filter(|status| status.in_custody()).map(|s| s.as_str()).collect();
    assert_eq!(held, ["received", "stored", "notified", "damaged"]);
    assert!(!Status::Damaged.runs_clock() && !Status::Lost.in_custody() && !Status::Lost.is_terminal());
}

#[test]
fn an_operator_moves_packages_and_only_an_administrator_cancels_and_reassigns() {
    for (from, action, to) in table().into_iter().filter(|(_, _, to)| to.is_some()) {
        let first = |role| Facts { is_identified: action != Action::Identify, ..everything(role) };
        let is_for_admins = action == Action::Cancel;
        let is_for_all = matches!(action, Action::Announce | Action::Withdraw);
        assert_eq!(next(from, action, &first(Role::Operator)).is_ok(), !is_for_admins, "{from:?} {action:?}");
        assert_eq!(next(from, action, &first(Role::Customer)).is_ok(), is_for_all);
        assert_eq!(next(from, action, &first(Role::Auditor)).unwrap_err().missing, [Missing::Permission]);
        assert_eq!(next(from, action, &first(Role::Admin)).ok(), to);
    }
    let again = next(Some(Status::Stored), Action::Identify, &everything(Role::Operator)).unwrap_err();
    assert!(again.is_forbidden());
    let unexplained = Facts { is_reason_given: false, ..everything(Role::Admin) };
    let refusal = next(Some(Status::Stored), Action::Identify, &unexplained).unwrap_err();
    assert_eq!(refusal.missing, [Missing::Reason]);
}

#[test]
fn whoever_may_not_take_a_step_learns_nothing_else() {
    let refusal = next(Some(Status::Delivered), Action::Deliver, &Facts::of(Role::Customer)).unwrap_err();
    assert_eq!(refusal.missing, [Missing::Permission]);
    assert_eq!(refusal.text, "customer may not deliver this package");
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    use Missing as M;
    let none = Facts { has_open_duplicate: true, balance_due_minor: 1, ..Facts::of(Role::Admin) };
    let expected: [(Option<Status>, Action, &[Missing]); 12] = [
        (None, Action::Announce, &[M::Guide, M::Duplicate]),
        (None, Action::Receive, &[M::Announcement, M::Photos, M::Condition]),
        (Some(Status::Announced), Action::Receive, &[M::Photos, M::Condition]),
        (Some(Status::Received), Action::Store, &[M::Slot]),
        (Some(Status::Stored), Action::Notify, &[M::Customer, M::Message]),
        (Some(Status::Notified), Action::Deliver, &[M::Customer, M::Proof, M::Balance]),
        (Some(Status::Notified), Action::Return, &[M::Reason]),
        (Some(Status::Notified), Action::Abandon, &[M::Age, M::Contacts]),
        (Some(Status::Received), Action::Cancel, &[M::Reason]),
        (Some(Status::Stored), Action::Lose, &[M::Evidence]),
        (Some(Status::Stored), Action::Damage, &[M::Evidence]),
        (Some(Status::Lost), Action::Find, &[M::Evidence, M::Slot]),
    ];
    for (from, action, missing) in expected {
        let refusal = next(from, action, &none).unwrap_err();
        assert_eq!(refusal.missing, missing, "{from:?} {action:?}");
        assert_eq!(refusal.code(), missing[0].as_str());
        assert_eq!(refusal.text.matches("; ").count() + 1, missing.len());
        assert!(refusal.allowed.contains(&action) && !refusal.is_forbidden());
    }
}

#[test]
fn guards_count_from_their_bounds() {
    let full = everything(Role::Operator);
    let last_second = TimeDelta::days(45) - TimeDelta::seconds(1);
    for (facts, missing) in [
        (Facts { sms: 2, ..full.clone() }, Some(Missing::Contacts)),
        (Facts { calls: 1, ..full.clone() }, Some(Missing::Contacts)),
        (Facts { held_for: last_second, ..full.clone() }, Some(Missing::Age)),
        (full.clone(), None),
    ] {
        let taken = next(Some(Status::Notified), Action::Abandon, &facts);
        assert_eq!(taken.err().and_then(|refusal| refusal.missing.first().copied()), missing);
    }
    let one_photo = Facts { photos: 1, ..full.clone() };
    assert_eq!(next(None, Action::Receive, &one_photo).unwrap_err().missing, [Missing::Photos]);
    let owed = Facts { balance_due_minor: 1, ..full.clone() };
    assert_eq!(next(Some(Status::Stored), Action::Deliver, &owed).unwrap_err().missing, [Missing::Balance]);
    let credit = Facts { balance_due_minor: -1, ..full };
    assert_eq!(next(Some(Status::Stored), Action::Deliver, &credit), Ok(Status::Delivered));
}

#[test]
fn names_are_read_back() {
    for status in Status::ALL {
        assert_eq!(Status::parse(status.as_str()), Some(*status));
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
    for action in Action::ALL {
        assert_eq!(Action::parse(action.as_str()), Some(*action));
    }
    assert_eq!(Status::parse("Stored"), None);
}

proptest! {
    #[test]
    fn whatever_is_tried_a_package_ends_once_and_stays_there(steps in prop::collection::vec(0..Action::ALL.len(), 0..60)) {
        let facts = everything(Role::Admin);
        let mut status = None;
        for step in steps {
            let before = status;
            if let Ok(to) = next(status, Action::ALL[step], &facts) {
                status = Some(to);
            }
            if before.is_some_and(Status::is_terminal) {
                prop_assert_eq!(before, status);
            }
        }
    }

    #[test]
    fn nothing_is_handed_over_that_is_not_paid(
        due in any::<i64>(), proven in any::<bool>(), from in prop::sample::select(Status::ALL),
    ) {
        let facts = Facts { balance_due_minor: due, is_recipient_proven: proven, ..everything(Role::Admin) };
        if next(Some(from), Action::Deliver, &facts).is_ok() {
            prop_assert!(due <= 0 && proven && from.in_custody());
        }
    }
}
