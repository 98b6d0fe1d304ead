//! What a feed costs: three statements at most, whatever its size, and none where its parts are known (S-A1, S-D2, S-D6).

use uuid::Uuid;

use super::{feed_of, shown};
use crate::fixtures::instant;
use crate::harness::Harness;

/// So many public stories of ten authors, a second apart, the last published a minute ago.
async fn fill(app: &Harness, gym: Uuid, count: usize) {
    let mut authors = Vec::new();
    for number in 0..10 {
        authors.push(app.new_member(gym, &format!("Author {number}")).await);
    }
    let list = authors.iter().map(|author| format!("'{author}'")).collect::<Vec<_>>().join(",");
    let now = instant(app.clock.now());
    app.sql(&format!(
        "INSERT INTO story (id, gym_id, author_id, kind, caption, privacy, state, duration_hours, display_secs, created_at, updated_at, \
           published_at, expires_at) \
         SELECT gen_random_uuid(), '{gym}', (ARRAY[{list}]::uuid[])[1 + n % 10], 'text', 'Story ' || n, 'public', 'active', 24, 7, t, t, t, \
           t + interval '24 hours' \
         FROM (SELECT n, {now}::timestamptz - interval '1 minute' - n * interval '1 second' AS t FROM generate_series(1, {count}) n) s; \
         INSERT INTO story_count (story_id, reactions) SELECT id, '{{\"🔥\": 3}}' FROM story WHERE gym_id = '{gym}'"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_takes_three_statements_cold_and_none_warm_at_any_size() {
    let app = Harness::with("[freshness]\nmax_value_bytes = 8388608\n").await;
    for count in [25, 250, 2500] {
        let gym = app.gym().await;
        let me = app.new_member(gym, "Me").await;
        fill(&app, gym, count).await;
        let path = format!("{}?limit=500", feed_of(gym));
        let token = app.token(me);
        let cold = app.get(&path, &token).await.expect(200);
        assert_eq!(cold.statements(), 3, "of {count} stories");
        assert_eq!(shown(&cold.json()).len(), count.min(500));
        let warm = app.get(&path, &token).await.expect(200);
        assert_eq!((warm.statements(), shown(&warm.json())), (0, shown(&cold.json())));
        let known = [("If-None-Match", cold.header("etag"))];
        let confirmed = app.get_with(&path, &token, &known).await.expect(304);
        assert_eq!((confirmed.statements(), confirmed.body.len()), (0, 0));
        let mine = app.get(&format!("/v1/gyms/{gym}/members/{me}/stories"), &token).await.expect(200);
        assert_eq!(mine.statements(), 0, "the list of a member is made from the same parts");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_too_large_to_be_kept_is_served_all_the_same() {
    let app = Harness::with("[freshness]\nmax_value_bytes = 2000\n").await;
    let gym = app.gym().await;
    let me = app.new_member(gym, "Me").await;
    fill(&app, gym, 25).await;
    for _ in 0..2 {
        let answer = app.feed(gym, me).await;
        assert_eq!(shown(&answer.json()).len(), 25);
        assert!(answer.statements() <= 3);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_viewers_share_one_body() {
    const VIEWERS: u64 = 1000;
    let app = Harness::start().await;
    let gym = app.gym().await;
    fill(&app, gym, 25).await;
    let viewers: Vec<Uuid> = (0..VIEWERS).map(|_| Uuid::now_v7()).collect();
    let rows: Vec<String> =
        viewers.iter().map(|viewer| format!("('{gym}', '{viewer}', 'member', now())")).collect();
    app.sql(&format!("INSERT INTO member VALUES {}", rows.join(","))).await;
    for viewer in viewers {
        let answer = app.feed(gym, viewer).await;
        assert!(answer.statements() <= 3);
    }
    let metrics = app.metrics().await;
    let reads = |family: &str, is_hit: bool| -> u64 {
        let of_family = metrics.lines().filter(|line| {
            line.starts_with("freshness_reads_total") && line.contains(&format!("family=\"{family}\""))
        });
        let counted = of_family.filter(|line| {
            (line.contains("source=\"local\"") || line.contains("source=\"shared\"")) == is_hit
        });
        counted.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    for family in ["feed_body", "feed_counts"] {
        let (hits, misses) = (reads(family, true), reads(family, false));
        assert_eq!(hits + misses, VIEWERS, "{family}: {metrics}");
        assert!(hits * 100 >= VIEWERS * 70, "{family}: {hits} of {VIEWERS}");
    }
    assert_eq!(reads("feed_viewer", false), VIEWERS, "each viewer has a part of its own");
    app.stop().await;
}
