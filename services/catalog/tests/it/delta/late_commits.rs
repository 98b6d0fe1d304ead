//! A transaction that takes long to commit is the classic way to lose a change (C-D1, C-C12).

use std::sync::Arc;

use serde_json::json;

use super::copy::Copy;
use super::{change_disease, id_of, make_disease, run, start, wait_for_waiters};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_commits_late_reaches_every_reader_once() {
    let app = Arc::new(start().await);
    let admin = app.sign_in("administrator").await;
    let (held, other) = (make_disease(&app, &admin, "held").await, make_disease(&app, &admin, "other").await);
    let mut follower = Copy::empty("diseases");
    follower.catch_up(&app, &admin, 1000).await;

    // Whoever changes `held` is stuck in the middle of its transaction, with its place in the order taken.
    let mut lock = app.db.connect().await;
    run(&mut lock, &format!("BEGIN; SELECT id FROM disease WHERE id = '{held}' FOR UPDATE")).await;
    let change = |id, what: &'static str| {
        let (app, admin) = (Arc::clone(&app), admin.clone());
        tokio::spawn(async move { change_disease(&app, &admin, id, what).await })
    };
    let first = change(held, "first");
    wait_for_waiters(&app, 1).await;
    let second = change(other, "second");
    wait_for_waiters(&app, 2).await;

    // Readers and writers of other models go on; nobody sees half of it.
    app.make("medications", &admin, json!({"name": "Salve", "withdrawal_days": 1})).await;
    assert!(follower.catch_up(&app, &admin, 1000).await.is_empty());
    let mut newcomer = Copy::empty("diseases");
    newcomer.pull(&app, &admin, 1).await;
    let now = chrono::Utc::now();

    run(&mut lock, "COMMIT").await;
    let versions = [first.await.unwrap(), second.await.unwrap()];
    assert!(versions[0] < versions[1], "the later commit has the later version");
    for reader in [&mut follower, &mut newcomer] {
        let items = reader.catch_up(&app, &admin, 1).await;
        let delivered: Vec<_> = items.iter().map(id_of).collect();
        assert!(delivered.ends_with(&[held, other]), "{items:?}");
        assert!(reader.catch_up(&app, &admin, 1).await.is_empty(), "and once only");
        reader.expect_equal_to_server(&app, &admin).await;
    }

    // A clock would have lost it: it is stamped before the reader looked, and was not there when it looked.
    let late = app.get(&format!("/v1/diseases/{held}"), Some(&admin)).await.expect(200).json();
    let stamped: chrono::DateTime<chrono::Utc> = late["updated_at"].as_str().unwrap().parse().unwrap();
    assert!(stamped < now);
    let since = now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let page = app.get(&format!("/v1/diseases?since={since}"), Some(&admin)).await.expect(200).json();
    assert!(page["items"].as_array().unwrap().contains(&late), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_rolled_back_was_never_there() {
    let app = start().await;
    let admin = app.sign_in("administrator").await;
    make_disease(&app, &admin, "taken").await;
    let mut reader = Copy::empty("diseases");
    reader.catch_up(&app, &admin, 1000).await;
    let mut ghost = app.db.connect().await;
    run(
        &mut ghost,
        "BEGIN; SELECT version FROM model_clock WHERE model = 'disease' FOR UPDATE; UPDATE disease SET version = version + 1, symptoms = 'ghost'; UPDATE model_clock SET version = version + 1 WHERE model = 'disease'",
    )
    .await;
    assert!(reader.catch_up(&app, &admin, 1000).await.is_empty());
    run(&mut ghost, "ROLLBACK").await;
    // The next change takes the very version that the ghost had.
    let next = make_disease(&app, &admin, "next").await;
    let items = reader.catch_up(&app, &admin, 1000).await;
    assert_eq!(items.iter().map(id_of).collect::<Vec<_>>(), [next]);
    reader.expect_equal_to_server(&app, &admin).await;
}
