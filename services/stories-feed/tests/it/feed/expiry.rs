//! Time is a writer too: a story is there to the last millisecond and gone at its expiry, in what was kept as in what is read anew, and
//! nothing confirms it afterwards (S-D1).

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{feed_of, shown};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

struct Scene {
    app: Harness,
    gym: Uuid,
    me: Uuid,
    dying: Uuid,
    staying: Uuid,
    expires_at: DateTime<Utc>,
}

async fn scene() -> Scene {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (me, ana) = (app.new_member(gym, "Me").await, app.new_member(gym, "Ana").await);
    let published = app.clock.now();
    app.clock.set(published);
    let dying = app.story(StoryRow { hours: 1, ..StoryRow::text(gym, ana) }).await;
    let staying = app.story(StoryRow { hours: 48, is_pinned: true, ..StoryRow::text(gym, ana) }).await;
    Scene { app, gym, me, dying, staying, expires_at: published + TimeDelta::hours(1) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_is_there_a_millisecond_before_its_expiry_and_gone_at_it() {
    let Scene { app, gym, me, dying, staying, expires_at } = scene().await;
    let other = app.replica("").await;
    let (path, token) = (feed_of(gym), app.token(me));
    app.clock.set(expires_at - TimeDelta::milliseconds(1));
    let before = app.feed(gym, me).await;
    assert_eq!(shown(&before.json()), [staying, dying]);
    // Both levels have it now: this process, and Redis for the other one.
    let warm = other.feed(gym, me).await;
    assert_eq!((warm.statements(), shown(&warm.json()).len()), (0, 2));
    let tag = before.header("etag").to_owned();
    let known = [("If-None-Match", tag.as_str())];
    app.get_with(&path, &token, &known).await.expect(304);

    app.clock.set(expires_at);
    for replica in [&app, &other] {
        let after = replica.get_with(&path, &token, &known).await.expect(200);
        assert_eq!((after.statements(), shown(&after.json())), (0, vec![staying]), "from what was kept");
        assert_ne!(after.header("etag"), tag);
    }
    let members = format!("/v1/gyms/{gym}/members/{}/stories", Uuid::now_v7());
    app.get(&members, &token).await.expect(200);
    // And from the database.
    app.stamp(&super::groups_of(gym, me)).await;
    let anew = app.feed(gym, me).await;
    assert_eq!((anew.statements(), shown(&anew.json())), (3, vec![staying]));
    other.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_to_keep_a_feed_beyond_the_first_expiry_in_it() {
    let Scene { app, gym, me, expires_at, .. } = scene().await;
    for (left_ms, client, edge, max_age, revalidate) in [
        (3_600_000, "private, max-age=60, stale-while-revalidate=120", 300, 60, 120),
        (100_500, "private, max-age=60, stale-while-revalidate=40", 100, 60, 40),
        (30_999, "private, max-age=30, stale-while-revalidate=0", 30, 30, 0),
        (999, "private, max-age=0, stale-while-revalidate=0", 0, 0, 0),
    ] {
        app.clock.set(expires_at - TimeDelta::milliseconds(left_ms));
        let answer = app.feed(gym, me).await;
        assert_eq!(answer.header("cache-control"), client, "{left_ms} ms before");
        assert_eq!(answer.header("cdn-cache-control"), format!("private, principal, max-age={edge}"));
        let body = answer.json();
        assert_eq!(body["cache_headers"]["max_age"], max_age);
        assert_eq!(body["cache_headers"]["stale_while_revalidate"], revalidate);
    }
    app.stop().await;
}

/// Near an expiry the lifetimes differ with each second; the validator must not (X-C4).
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_only_grows_older_is_confirmed() {
    let Scene { app, gym, me, expires_at, .. } = scene().await;
    app.clock.set(expires_at - TimeDelta::seconds(20));
    let path = format!("{}?limit=1", feed_of(gym));
    let first = app.get(&path, &app.token(me)).await.expect(200);
    assert!(first.json()["next"].is_string());
    for _ in 0..5 {
        app.clock.advance(TimeDelta::seconds(3));
        app.get_with(&path, &app.token(me), &[("If-None-Match", first.header("etag"))]).await.expect(304);
    }
    app.stop().await;
}
