//! What is recorded of a request, and what is read of it.

use super::*;

fn stats() -> Arc<RequestStats> {
    RequestStats::new(None, "r".to_owned())
}

#[test]
fn all_statements_are_counted_and_few_texts_kept() {
    let stats = stats();
    for number in 0..MAX_KEPT_STATEMENTS + 10 {
        stats.record_statement(&format!("SELECT {number}"), Duration::from_micros(5));
    }
    assert_eq!(stats.statements(), 42);
    assert_eq!(stats.slowest_statements().len(), MAX_KEPT_STATEMENTS);
    assert_eq!(stats.db_time(), Duration::from_micros(210));
}

#[test]
fn a_long_statement_is_cut_between_characters() {
    let stats = stats();
    stats.record_statement(&format!("a{}", "ü".repeat(5000)), Duration::ZERO);
    assert_eq!(stats.slowest_statements()[0].sql.len(), MAX_STATEMENT_BYTES - 1);
}

#[test]
fn a_part_that_comes_again_is_added_up() {
    let stats = stats();
    for (name, millis) in [("recv", 1), ("write", 2), ("recv", 3)] {
        stats.record_part(name, Duration::from_millis(millis));
    }
    let account = stats.account(Duration::from_millis(10), Instant::now());
    assert_eq!(account.own, [("recv", Duration::from_millis(4)), ("write", Duration::from_millis(2))]);
}

#[test]
fn what_is_entered_or_claimed_is_accounted_for_once() {
    let stats = stats();
    let call = stats.enter(Part::Upstream);
    let statements = [stats.enter(Part::Database), stats.enter(Part::Database)];
    while stats.begun.elapsed() < Duration::from_millis(2) {
        std::hint::spin_loop();
    }
    drop(statements);
    stats.record_blocked(Duration::from_millis(1));
    drop(call);
    let now = Instant::now();
    let account = stats.account(now - stats.begun, now);
    assert_eq!(account.spent.on(Part::Blocked), Duration::from_millis(1));
    assert!(account.spent.on(Part::Database) >= Duration::from_micros(900), "{account:?}");
    assert_eq!(account.spent.sum() + account.app, account.total);
}

#[test]
fn what_was_waited_for_while_the_thread_was_held_is_late() {
    let (culprit, victim) = (stats(), stats());
    let before = victim.enter(Part::Database);
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(2) {
        std::hint::spin_loop();
    }
    culprit.record_blocked(Duration::from_millis(1));
    drop(before);
    // What only began afterwards waited for itself.
    let after = victim.enter(Part::Redis);
    while started.elapsed() < Duration::from_millis(4) {
        std::hint::spin_loop();
    }
    drop(after);
    let now = Instant::now();
    let spent = victim.account(now - victim.begun, now).spent;
    let (late, waited) = (spent.on(Part::Late), spent.on(Part::Database));
    assert!(late >= Duration::from_millis(1) && waited >= Duration::from_micros(900), "{spent:?}");
    assert!(
        spent.on(Part::Redis) >= Duration::from_millis(1) && late < Duration::from_millis(2),
        "{spent:?}"
    );
}

#[test]
fn calls_are_told_by_peer_and_their_names_bounded() {
    let stats = stats();
    let catalog: Arc<str> = Arc::from("catalog");
    stats.record_call(&catalog, 1, Duration::from_millis(2));
    stats.record_call(&catalog, 2, Duration::from_millis(3));
    for number in 0..20 {
        stats.record_call(&Arc::from(format!("peer {number}")), 1, Duration::ZERO);
    }
    let first = Peer { name: catalog, tries: 3, took: Duration::from_millis(5) };
    assert_eq!(stats.peers()[0], first);
    assert_eq!(stats.peers().len(), MAX_PEERS);
    assert_eq!(stats.upstream_calls(), 23);
    assert_eq!(stats.upstream_time(), Duration::from_millis(5));
}

#[test]
fn the_slowest_statement_is_the_one_that_is_explained() {
    #[derive(Debug, Default)]
    struct Asked(Mutex<Vec<String>>);
    impl Planner for Asked {
        fn explain(&self, request: Arc<RequestStats>, statement: &Statements) {
            lock(&self.0).push(format!("{}: {}", request.request_id(), statement.sql));
        }
    }
    let (stats, asked) = (stats(), Arc::new(Asked::default()));
    let planner: Arc<dyn Planner> = asked.clone();
    stats.set_planner(&planner);
    stats.explain_slowest();
    stats.record_statement("SELECT quick", Duration::from_millis(1));
    stats.record_statement("SELECT slow", Duration::from_millis(2));
    stats.explain_slowest();
    assert_eq!(*lock(&asked.0), ["r: SELECT slow"]);
}

#[test]
fn the_first_principal_stays() {
    let stats = stats();
    stats.set_principal("ada");
    stats.set_principal("bob");
    assert_eq!(stats.principal(), Some("ada"));
}

#[test]
fn the_first_deadline_stays() {
    let stats = stats();
    assert_eq!(stats.deadline(), None);
    let deadline = Instant::now();
    stats.set_deadline(deadline);
    stats.set_deadline(deadline + Duration::from_secs(1));
    assert_eq!(stats.deadline(), Some(deadline));
}

#[tokio::test]
async fn the_record_is_current_only_inside_its_scope_and_where_it_is_inherited() {
    assert!(current().is_none() && enter(Part::Redis).is_none());
    let stats = stats();
    scope(Arc::clone(&stats), async {
        current().unwrap().record_pool_wait(Duration::from_millis(1));
        assert_eq!(with_current(|stats| stats.request_id().to_owned()).as_deref(), Some("r"));
        let inherited = tokio::spawn(inherit(async { current().is_some() })).await.unwrap();
        let bare = tokio::spawn(async { current().is_some() }).await.unwrap();
        assert_eq!((inherited, bare), (true, false));
    })
    .await;
    assert!(current().is_none());
    assert_eq!(stats.pool_wait(), Duration::from_millis(1));
}
