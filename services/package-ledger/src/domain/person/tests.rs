use super::*;

/// Who may what: customer, operator, admin, auditor.
const TABLE: &str = "
read_own          yes yes yes yes
read_all          -   yes yes yes
announce          yes yes yes -
edit_own          yes yes yes -
open_claims       yes yes yes -
move_packages     -   yes yes -
take_payments     -   yes yes -
manage_customers  -   yes yes -
answer_claims     -   yes yes -
reassign_packages -   -   yes -
cancel_packages   -   -   yes -
waive             -   -   yes -
refund            -   -   yes -
correct           -   -   yes -
manage_tariffs    -   -   yes -
manage_slots      -   -   yes -
manage_operators  -   -   yes -
";

#[test]
fn every_role_may_what_the_table_says() {
    let mut rows = 0;
    for line in TABLE.trim().lines() {
        let cells: Vec<_> = line.split_whitespace().collect();
        let permission = Permission::parse(cells[0]).unwrap();
        for (role, cell) in Role::ALL.iter().zip(&cells[1..]) {
            assert_eq!(may(*role, permission), *cell == "yes", "{role:?} {permission:?}");
        }
        assert_eq!(cells.len(), 5);
        rows += 1;
    }
    assert_eq!(rows, Permission::ALL.len());
}

#[test]
fn an_auditor_stands_beside_the_ranks() {
    let above: Vec<_> = Role::ALL
        .iter()
        .flat_map(|role| Role::ALL.iter().map(move |other| (*role, *other)))
        .filter(|(role, other)| role != other && role.is_at_least(*other))
        .collect();
    let expected =
        [(Role::Operator, Role::Customer), (Role::Admin, Role::Customer), (Role::Admin, Role::Operator)];
    assert_eq!(above, expected);
}

#[test]
fn who_works_at_the_desk_is_what_the_desk_says_and_administrators_are_admins() {
    for role in Role::ALL {
        assert_eq!(Role::of(false, Some(*role)), *role);
        assert_eq!(Role::of(true, Some(*role)), Role::Admin);
    }
    assert_eq!((Role::of(false, None), Role::of(true, None)), (Role::Customer, Role::Admin));
}

#[test]
fn nobody_passes_for_another_by_the_name_that_his_issuer_gives_him() {
    let id = |issuer: &str, subject: &str| {
        let principal = Principal {
            subject: subject.to_owned(),
            roles: Vec::new(),
            scopes: Vec::new(),
            issuer: issuer.to_owned(),
            token_id: String::new(),
        };
        person_id(&principal, "ours")
    };
    let own = Uuid::from_u128(7);
    assert_eq!(id("ours", &own.to_string()), own);
    assert_ne!(id("theirs", &own.to_string()), own);
    // Rows hold these ids: they are the same for ever.
    assert_eq!(id("theirs", "robot").to_string(), "cb497eb6-6284-882d-834e-88b0741bc553");
}
