use std::collections::BTreeMap;

use proptest::prelude::*;

use super::account::{AccountKind, Side};
use super::balance::{Balance, owed_for};
use super::*;

const PACKAGE: Uuid = Uuid::from_u128(1);
const CUSTOMER: Uuid = Uuid::from_u128(2);

/// Accounts with their balances, each currency for itself.
type Balances = BTreeMap<(AccountCode, String), Balance>;

/// What the accounts hold after these transfers, from nothing.
fn balances<'a>(transfers: impl IntoIterator<Item = &'a Transfer>) -> Result<Balances, LedgerError> {
    let mut balances = Balances::new();
    for transfer in transfers {
        post(&mut balances, transfer)?;
    }
    Ok(balances)
}

/// Adds a transfer to the balances; none of it if it does not fit.
fn post(balances: &mut Balances, transfer: &Transfer) -> Result<(), LedgerError> {
    let key = |account: &AccountCode| (account.clone(), transfer.currency.clone());
    let (debit_key, credit_key) = (key(&transfer.debit), key(&transfer.credit));
    let mut debited = balances.get(&debit_key).copied().unwrap_or_default();
    debited.debit(transfer.amount_minor)?;
    let mut credited = balances.get(&credit_key).copied().unwrap_or_default();
    credited.credit(transfer.amount_minor)?;
    balances.insert(debit_key, debited);
    balances.insert(credit_key, credited);
    Ok(())
}

fn subject() -> Subject<'static> {
    Subject { package_id: PACKAGE, customer_id: Some(CUSTOMER), currency: "COP" }
}

fn line(transfer: &Transfer) -> String {
    let Transfer { debit, credit, amount_minor, code, .. } = transfer;
    format!("{} {debit} {credit} {amount_minor}", code.as_str())
}

#[test]
fn each_plan_debits_and_credits_as_the_table_says() {
    let owed = format!("customer/{CUSTOMER}");
    let subject = subject();
    let charges: Vec<_> = subject.charges(150_000, 200_000, 50_000).unwrap().iter().map(line).collect();
    let expected = [
        format!("charge_base {owed} revenue/base 150000"),
        format!("charge_storage {owed} revenue/storage 200000"),
        format!("waive waivers {owed} 50000"),
    ];
    assert_eq!(charges, expected);
    let id = Uuid::from_u128(9);
    for (transfer, expected) in [
        (subject.payment(id, Method::Cash, 5), format!("pay cash {owed} 5")),
        (subject.payment(id, Method::Transfer, 5), format!("pay bank {owed} 5")),
        (subject.refund(id, Method::Cash, 5), format!("refund {owed} cash 5")),
        (subject.write_off(5), format!("write_off write_offs {owed} 5")),
        (subject.claim(id, 5), "claim claims liability/claims 5".to_owned()),
    ] {
        assert_eq!(line(&transfer.unwrap()), expected);
    }
    let unknown = Subject { customer_id: None, ..subject };
    assert_eq!(line(&unknown.write_off(5).unwrap()), "write_off write_offs unidentified 5");
}

#[test]
fn what_is_nothing_is_not_posted_and_what_is_less_is_refused() {
    let subject = subject();
    assert_eq!(subject.charges(0, 0, 0).unwrap(), []);
    assert_eq!(subject.charges(10, 0, 10).unwrap().len(), 2);
    for (fee, error) in [
        ((10, 5, 16), LedgerError::WaivedTooMuch),
        ((-1, 5, 0), LedgerError::Negative),
        ((1, 5, -1), LedgerError::Negative),
        ((i64::MAX, 1, 0), LedgerError::Overflow),
    ] {
        assert_eq!(subject.charges(fee.0, fee.1, fee.2), Err(error));
    }
    for amount in [0, -1, i64::MIN] {
        assert_eq!(subject.payment(CUSTOMER, Method::Cash, amount), Err(LedgerError::NotPositive));
        assert_eq!(subject.refund(CUSTOMER, Method::Cash, amount), Err(LedgerError::NotPositive));
        assert_eq!(subject.write_off(amount), Err(LedgerError::NotPositive));
        assert_eq!(subject.claim(CUSTOMER, amount), Err(LedgerError::NotPositive));
    }
}

#[test]
fn the_same_is_posted_once_and_another_is_another() {
    let subject = subject();
    let first = subject.payment(Uuid::from_u128(9), Method::Cash, 5).unwrap();
    // Whatever else changes: a repetition with another amount must meet the first one.
    let again = subject.payment(Uuid::from_u128(9), Method::Transfer, 6).unwrap();
    assert_eq!(first.idempotency_id, again.idempotency_id);
    let other = Subject { package_id: CUSTOMER, ..subject.clone() };
    let mut all = subject.charges(3, 2, 1).unwrap();
    all.extend(other.charges(3, 2, 1).unwrap());
    all.extend([
        first.clone(),
        subject.payment(Uuid::from_u128(10), Method::Cash, 5).unwrap(),
        subject.refund(Uuid::from_u128(9), Method::Cash, 5).unwrap(),
        subject.claim(Uuid::from_u128(9), 5).unwrap(),
        subject.write_off(5).unwrap(),
        correct(Uuid::from_u128(9), &first),
        correct(Uuid::from_u128(10), &first),
    ]);
    let ids: std::collections::BTreeSet<_> = all.iter().map(|transfer| &transfer.idempotency_id).collect();
    assert_eq!(ids.len(), all.len());
    assert!(ids.iter().all(|id| id.len() <= 200));
}

#[test]
fn a_correction_takes_back_what_was_posted() {
    let payment = subject().payment(Uuid::from_u128(9), Method::Cash, 5).unwrap();
    let correction = correct(Uuid::from_u128(7), &payment);
    assert_eq!(line(&correction), format!("correct customer/{CUSTOMER} cash 5"));
    assert_eq!((correction.corrects_id, payment.corrects_id), (Some(Uuid::from_u128(7)), None));
    let balances = balances([&payment, &correction]).unwrap();
    assert!(balances.values().all(|balance| balance.on(Side::Debit) == Ok(0)));
}

#[test]
fn accounts_are_read_back_by_their_names_and_by_no_other() {
    let customer = AccountCode::customer(CUSTOMER);
    for code in AccountCode::HOUSE.into_iter().chain([customer]) {
        assert_eq!(AccountCode::parse(&code.to_string()), Some(code.clone()));
        assert!(code.to_string().len() <= 60);
    }
    for name in ["", "Cash", "customer/", "customer/1", &format!("customer/{}", CUSTOMER.simple())] {
        assert_eq!(AccountCode::parse(name), None, "{name}");
    }
    let sides: Vec<_> = AccountKind::ALL.iter().map(|kind| kind.normal_side()).collect();
    assert_eq!(sides, [Side::Debit, Side::Credit, Side::Credit, Side::Debit]);
    let receivable = AccountCode::HOUSE.into_iter().filter(AccountCode::is_receivable).collect::<Vec<_>>();
    assert_eq!(receivable, [AccountCode::unidentified()]);
}

#[test]
fn currencies_do_not_mix_and_too_much_is_refused_whole() {
    let euros = Subject { currency: "EUR", ..subject() };
    let (pesos, euros) = (subject().write_off(5).unwrap(), euros.write_off(7).unwrap());
    assert_eq!(balances([&pesos, &euros]).unwrap().len(), 4);
    let most = subject().write_off(i64::MAX).unwrap();
    let mut kept = balances([&pesos]).unwrap();
    let before = kept.clone();
    assert_eq!(post(&mut kept, &most), Err(LedgerError::Overflow));
    assert_eq!(kept, before);
}

/// Something that happens to the books of one of three packages.
#[derive(Clone, Debug)]
enum Step {
    Charge(i64, i64, i64),
    Pay(bool, i64),
    Refund(bool, i64),
    WriteOff(i64),
    Claim(i64),
    Correct(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    let amount = 1..10_000_000_i64;
    prop_oneof![
        (amount.clone(), amount.clone(), 0..=100_i64).prop_map(|(base, storage, percent)| {
            Step::Charge(base, storage, (base + storage) * percent / 100)
        }),
        (any::<bool>(), amount.clone()).prop_map(|(cash, amount)| Step::Pay(cash, amount)),
        (any::<bool>(), amount.clone()).prop_map(|(cash, amount)| Step::Refund(cash, amount)),
        amount.clone().prop_map(Step::WriteOff),
        amount.prop_map(Step::Claim),
        any::<usize>().prop_map(Step::Correct),
    ]
}

fn package(number: u128) -> Subject<'static> {
    let customer_id = (number != 2).then(|| Uuid::from_u128(100 + number));
    Subject { package_id: Uuid::from_u128(number), customer_id, currency: "COP" }
}

fn plan(step: &Step, number: u128, id: Uuid, posted: &[Transfer]) -> Vec<Transfer> {
    let method = |cash: bool| if cash { Method::Cash } else { Method::Transfer };
    let subject = package(number);
    match *step {
        Step::Charge(base, storage, waived) => subject.charges(base, storage, waived).unwrap(),
        Step::Pay(cash, amount) => vec![subject.payment(id, method(cash), amount).unwrap()],
        Step::Refund(cash, amount) => vec![subject.refund(id, method(cash), amount).unwrap()],
        Step::WriteOff(amount) => vec![subject.write_off(amount).unwrap()],
        Step::Claim(amount) => vec![subject.claim(id, amount).unwrap()],
        Step::Correct(_) if posted.is_empty() => Vec::new(),
        Step::Correct(index) => {
            let index = index % posted.len();
            vec![correct(Uuid::from_u128(index as u128), &posted[index])]
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_debits_equal_credits_and_balances_are_their_replay(
        steps in prop::collection::vec((any_step(), 0..3_u128), 0..60),
    ) {
        let (mut posted, mut kept) = (Vec::<Transfer>::new(), Balances::new());
        for (index, (step, number)) in steps.iter().enumerate() {
            for transfer in plan(step, *number, Uuid::from_u128(index as u128), &posted) {
                // As the database does: what is posted already is not posted again.
                if posted.iter().all(|other| other.idempotency_id != transfer.idempotency_id) {
                    post(&mut kept, &transfer).unwrap();
                    posted.push(transfer);
                }
            }
            let sum = |side: fn(&Balance) -> i64| kept.values().map(side).sum::<i64>();
            prop_assert_eq!(sum(|balance| balance.debits_minor), sum(|balance| balance.credits_minor));
        }
        prop_assert_eq!(&balances(&posted).unwrap(), &kept);
        let amounts: i64 = posted.iter().map(|transfer| transfer.amount_minor).sum();
        prop_assert_eq!(kept.values().map(|balance| balance.debits_minor).sum::<i64>(), amounts);
        // What is owed for all packages is what the customers' accounts hold.
        let owed: i64 = (0..3).map(|number| owed_for(Uuid::from_u128(number), &posted).unwrap()).sum();
        let held: i64 = kept
            .iter()
            .filter(|((code, _), _)| code.is_receivable())
            .map(|((code, _), balance)| balance.on(code.kind().normal_side()).unwrap())
            .sum();
        prop_assert_eq!(owed, held);
    }

    #[test]
    fn a_package_is_at_zero_exactly_when_it_is_settled(
        base in 0..1_000_i64, storage in 0..1_000_i64, percent in 0..=100_i64,
        payments in prop::collection::vec(1..1_500_i64, 0..3), refunded in 0..200_i64, rounds_off: bool,
    ) {
        let subject = subject();
        let waived = (base + storage) * percent / 100;
        let mut posted = subject.charges(base, storage, waived).unwrap();
        for (index, amount) in payments.iter().enumerate() {
            posted.push(subject.payment(Uuid::from_u128(index as u128), Method::Cash, *amount).unwrap());
        }
        posted.extend(subject.refund(Uuid::from_u128(99), Method::Cash, refunded).ok());
        let due = base + storage - waived - payments.iter().sum::<i64>() + refunded;
        prop_assert_eq!(owed_for(PACKAGE, &posted).unwrap(), due);
        prop_assert_eq!(owed_for(CUSTOMER, &posted).unwrap(), 0);
        if rounds_off {
            // What is left is paid, or given back.
            let rest = Uuid::from_u128(98);
            posted.extend(subject.payment(rest, Method::Transfer, due).ok());
            posted.extend(subject.refund(rest, Method::Transfer, -due).ok());
            prop_assert_eq!(owed_for(PACKAGE, &posted).unwrap(), 0);
        }
    }
}
