//! Answers say where their time went; that it adds up is checked of every answer (`H-D7`).

use crate::harness::Harness;

/// A feed reads its three parts at the same time: each waits for Redis and the database beside the others.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_at_once_is_counted_once() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let me = app.new_member(gym, "Me").await;
    let cold = app.feed(gym, me).await;
    assert_eq!(cold.statements(), 3);
    for part in ["db", "pool", "redis", "compose"] {
        assert!(cold.part(part).is_some(), "{part}: {:?}", cold.headers);
    }
    let warm = app.feed(gym, me).await;
    assert!(warm.part("db") == Some(0.0) && warm.part("redis") > Some(0.0), "{:?}", warm.headers);
    app.stop().await;
}
