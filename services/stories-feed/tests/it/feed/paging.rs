//! Pages of a feed together are what one page would have been, whatever is seen and whatever expires meanwhile (S-A20, S-C7).

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::random::Random;
use super::{feed_of, groups_of, shown};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

/// A gym with a random feed, and one who looks.
async fn scene(app: &Harness, random: &mut Random, stories: usize) -> (Uuid, Uuid, Vec<Uuid>) {
    let gym = app.gym().await;
    let me = app.new_member(gym, "Me").await;
    let mut authors = vec![me];
    for number in 0..8 {
        let author = app.new_member(gym, &format!("Author {number}")).await;
        if random.once_in(3) {
            app.follow(me, author).await;
        }
        if random.once_in(3) {
            app.close_friend(author, me).await;
        }
        authors.push(author);
    }
    let now = app.clock.now();
    let mut all = Vec::new();
    for _ in 0..stories {
        // Some at the same instant: ids have to tell them apart.
        let published = now - TimeDelta::minutes(i64::try_from(random.below(30)).unwrap());
        let row = StoryRow {
            published_at: Some(published),
            hours: random.of(&[1, 2, 24]),
            is_pinned: random.once_in(6),
            privacy: random.of(&["public", "public", "followers", "close_friends"]),
            ..StoryRow::text(gym, random.of(&authors))
        };
        let story = app.story(row).await;
        if random.once_in(4) {
            app.view(gym, story, me, now).await;
        }
        all.push(story);
    }
    (gym, me, all)
}

/// The stories of all pages; `between` happens after each.
async fn pages(
    app: &Harness,
    gym: Uuid,
    me: Uuid,
    query: &str,
    limit: usize,
    mut between: impl AsyncFnMut(),
) -> Vec<Uuid> {
    let token = app.token(me);
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{}?limit={limit}{query}{cursor}", feed_of(gym));
        let page = app.get(&path, &token).await.expect(200).json();
        let stories = shown(&page);
        assert!(stories.len() <= limit);
        if !cursor.is_empty() {
            assert_eq!(page["own_pending"], json!([]));
        }
        all.extend(stories);
        let Some(next) = page["next"].as_str() else { return all };
        cursor = format!("&cursor={next}");
        between().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_one_page_cut_into_pieces() {
    let app = Harness::start().await;
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let (gym, me, _) = scene(&app, &mut random, 40).await;
        for query in ["", "&filter_type=unseen", "&filter_type=following"] {
            let whole = pages(&app, gym, me, query, 500, async || {}).await;
            for limit in [1, 2, 7, 39] {
                assert_eq!(
                    pages(&app, gym, me, query, limit, async || {}).await,
                    whole,
                    "seed {seed}, {limit} {query}"
                );
            }
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_between_two_pages_moves_nothing() {
    let app = Harness::start().await;
    for seed in 10..14 {
        let mut random = Random::new(seed);
        let (gym, me, all) = scene(&app, &mut random, 40).await;
        let whole = pages(&app, gym, me, "&filter_type=unseen", 500, async || {}).await;
        let mut unseen = all.clone();
        let in_between = async || {
            // Also of what was looked at long before, and is told only now.
            for _ in 0..3.min(unseen.len()) {
                let story = unseen.swap_remove(random.below(unseen.len()));
                let then = app.clock.now() - TimeDelta::minutes(20);
                app.sql(&format!(
                    "INSERT INTO story_view VALUES ('{story}', '{me}', '{gym}', '{}', 0, NULL, clock_timestamp()) ON CONFLICT DO NOTHING",
                    then.to_rfc3339()
                ))
                .await;
            }
            app.stamp(&[format!("gyms/{gym}/viewers/{me}")]).await;
        };
        assert_eq!(pages(&app, gym, me, "&filter_type=unseen", 3, in_between).await, whole, "seed {seed}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_or_expires_between_two_pages_neither_repeats_nor_skips_others() {
    let app = Harness::start().await;
    for seed in 20..23 {
        let mut random = Random::new(seed);
        // Stories of one hour expire 30 to 60 minutes from now; the first are about to.
        app.clock.set(app.clock.now() + TimeDelta::minutes(1));
        let (gym, me, _) = scene(&app, &mut random, 40).await;
        app.clock.advance(TimeDelta::minutes(30) - TimeDelta::seconds(30));
        let whole = pages(&app, gym, me, "", 500, async || {}).await;
        let between = async || {
            app.clock.advance(TimeDelta::seconds(20));
            app.story(StoryRow { is_pinned: true, ..StoryRow::text(gym, me) }).await;
            app.stamp(&groups_of(gym, me)).await;
        };
        let paged = pages(&app, gym, me, "", 3, between).await;
        let still_there: Vec<Uuid> = {
            let now = shown(&app.get(&format!("{}?limit=500", feed_of(gym)), &app.token(me)).await.json());
            whole.iter().copied().filter(|story| now.contains(story)).collect()
        };
        let kept: Vec<Uuid> = paged.iter().copied().filter(|story| still_there.contains(story)).collect();
        assert_eq!(kept, still_there, "seed {seed}");
        assert!(
            paged.iter().all(|story| whole.contains(story)),
            "seed {seed}: what is new is not on later pages"
        );
        let mut unique = paged.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), paged.len(), "seed {seed}");
    }
    app.stop().await;
}
