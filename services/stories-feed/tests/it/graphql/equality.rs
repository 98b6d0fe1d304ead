//! Over GraphQL and over REST the same person is told the same, whoever it is and whatever there is (S-D11).

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{STORY, code, in_words_of_rest};
use crate::feed::random::Random;
use crate::feed::{feed_of, id, stories};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

/// Some people, what they are to each other, and what they show.
struct World {
    gym: Uuid,
    people: Vec<Uuid>,
    stories: Vec<Uuid>,
}

async fn world(app: &Harness, seed: u64) -> World {
    let (gym, mut random) = (app.gym().await, Random::new(seed));
    let mut people = Vec::new();
    for number in 0..5 {
        people.push(app.new_member(gym, &format!("Person {number}")).await);
    }
    for one in &people {
        for other in people.iter().filter(|other| *other != one) {
            if random.once_in(2) {
                app.follow(*one, *other).await;
            }
            if random.once_in(3) {
                app.close_friend(*one, *other).await;
            }
            if random.once_in(8) {
                app.block(*one, *other).await;
            }
        }
    }
    let mut stories = Vec::new();
    for _ in 0..14 {
        let story = post(app, &mut random, gym, &people).await;
        for viewer in &people {
            if random.once_in(3) {
                app.view(gym, story, *viewer, app.clock.now()).await;
            }
            if random.once_in(4) {
                app.reaction(gym, story, *viewer, random.of(&["💪", "🔥", "👏"])).await;
            }
        }
        stories.push(story);
    }
    World { gym, people, stories }
}

async fn post(app: &Harness, random: &mut Random, gym: Uuid, people: &[Uuid]) -> Uuid {
    let author = random.of(people);
    let privacy = random.of(&["public", "public", "followers", "close_friends", "private"]);
    let state = random.of(&["active", "active", "active", "active", "processing", "failed"]);
    let row = match random.below(3) {
        0 => StoryRow::text(gym, author),
        1 => {
            let workout = json!({"exercise": "squat", "value": 102.5, "unit": "kg", "sets": null, "reps": 5});
            StoryRow { kind: "workout", workout: Some(workout), ..StoryRow::text(gym, author) }
        }
        _ => {
            let renditions =
                [("thumb", "webp", 900, 200), ("thumb", "jpg", 1_000, 200), ("full", "jpg", 90_000, 1080)];
            let asset = app.media(author, "image", &renditions).await;
            StoryRow::media(gym, author, "image", asset)
        }
    };
    let (is_pinned, hours) = (random.once_in(4), random.of(&[1, 24, 48]));
    app.story(StoryRow { privacy, state, is_pinned, hours, ..row }).await
}

fn feed_query() -> String {
    format!(
        "query ($gym: ID!, $first: Int, $after: String, $filter: StoryFilter) {{ \
           stories(gymId: $gym, first: $first, after: $after, filter: $filter) {{ \
             gymId position userStories {{ user {{ id name avatarUrl }} hasUnseen stories {{ {STORY} }} }} \
             ownPending {{ id type state errorCode errorText createdAt mutationId version }} prefetchHints \
             prefetch {{ currentStory prefetchQueue {{ storyId reason confidence }} bufferSize }} \
             mediaPlan {{ budgetBytes totalBytes items {{ storyId name format url bytes }} }} \
             cacheHeaders {{ maxAge staleWhileRevalidate contentVersion }} \
             edges {{ cursor node {{ id user {{ name }} media_url mediaUrl }} }} nodes {{ id }} \
             pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    )
}

/// The members of a page that stand there in both.
const SAME: [&str; 8] = [
    "gym_id",
    "position",
    "user_stories",
    "own_pending",
    "prefetch_hints",
    "prefetch",
    "media_plan",
    "cache_headers",
];

async fn check_page(
    app: &Harness,
    world: &World,
    viewer: Uuid,
    filter: (&str, &str),
    after: Option<&str>,
) -> Option<String> {
    let query =
        [("limit", "4"), ("filter_type", filter.0)].into_iter().chain(after.map(|after| ("cursor", after)));
    let query: Vec<String> = query.map(|(name, value)| format!("{name}={value}")).collect();
    let path = format!("{}?{}", feed_of(world.gym), query.join("&"));
    let rest = app.get(&path, &app.token(viewer)).await.expect(200).json();
    let variables = json!({"gym": world.gym, "first": 4, "after": after, "filter": filter.1});
    let page = &app.data(viewer, &feed_query(), &variables).await["stories"];
    let (ours, theirs) = (in_words_of_rest(page), in_words_of_rest(&rest));
    for name in SAME {
        assert_eq!(ours.get(name), theirs.get(name), "{name} for {viewer}, {filter:?} after {after:?}");
    }
    let ids: Vec<&Json> = page["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]["id"]).collect();
    let in_rest = stories(&rest);
    assert_eq!(ids, in_rest.iter().map(|story| &story["id"]).collect::<Vec<_>>());
    assert_eq!(ids, page["nodes"].as_array().unwrap().iter().map(|node| &node["id"]).collect::<Vec<_>>());
    for edge in page["edges"].as_array().unwrap() {
        let planned = rest["media_plan"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["story_id"] == edge["node"]["id"]);
        if let Some(planned) = planned {
            assert_eq!(edge["node"]["media_url"], planned["url"]);
        }
        assert_eq!(edge["node"]["media_url"], edge["node"]["mediaUrl"]);
    }
    let info = &page["pageInfo"];
    assert_eq!(info["hasNextPage"], !rest["next"].is_null());
    assert_eq!(info["hasPreviousPage"], after.is_some());
    if rest["next"].is_string() {
        assert_eq!(info["endCursor"], rest["next"], "cursors are good in both");
    }
    rest["next"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_the_same_page_by_page_in_random_worlds() {
    let app = Harness::start().await;
    app.clock.set(app.clock.now());
    for seed in 0..4 {
        let world = world(&app, seed).await;
        for viewer in &world.people {
            for filter in [("all", "ALL"), ("unseen", "UNSEEN"), ("following", "FOLLOWING")] {
                let mut after = check_page(&app, &world, *viewer, filter, None).await;
                while let Some(cursor) = after {
                    after = check_page(&app, &world, *viewer, filter, Some(&cursor)).await;
                }
            }
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_is_the_same_or_not_to_be_found_in_both() {
    let app = Harness::start().await;
    app.clock.set(app.clock.now());
    let query = format!(
        "query ($id: ID!) {{ story(id: $id) {{ {STORY} gymId state durationHours views replies errorCode errorText mutationId version \
           createdAt user {{ id name avatarUrl }} }} }}"
    );
    let (mut found, mut hidden) = (0, 0);
    for seed in 10..13 {
        let world = world(&app, seed).await;
        for (viewer, story) in
            world.people.iter().flat_map(|viewer| world.stories.iter().map(move |story| (viewer, story)))
        {
            let rest = app.get(&format!("/v1/stories/{story}"), &app.token(*viewer)).await;
            let answer = app.graphql(app.asking(*viewer, &query, &json!({"id": story}))).await.expect(200);
            if rest.status == 404 {
                assert_eq!(
                    (code(&answer), &answer.json()["data"]),
                    ("not_found".to_owned(), &json!({"story": null}))
                );
                hidden += 1;
                continue;
            }
            let mut rest = rest.expect(200).json();
            if let Some(media) = rest["media"].as_object_mut() {
                media.remove("asset_id");
            }
            assert_eq!(in_words_of_rest(&answer.json()["data"]["story"]), in_words_of_rest(&rest));
            found += 1;
        }
    }
    assert!(found > 50 && hidden > 20, "{found} found, {hidden} hidden");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_gyms_is_the_same_page_by_page() {
    let app = Harness::start().await;
    let me = Uuid::now_v7();
    for role in ["member", "owner", "trainer"] {
        let gym = app.gym().await;
        app.member(gym, me, role).await;
    }
    app.gym().await;
    let query = "query ($after: String) { gyms(first: 2, after: $after) { pageInfo { hasNextPage endCursor } edges { node { \
        id name emojis maxStoriesPerDay archiveDays version createdAt updatedAt role } } } }";
    let mut after = None::<String>;
    for count in [2, 1] {
        let cursor = after.as_ref().map(|after| format!("&cursor={after}")).unwrap_or_default();
        let rest = app.get(&format!("/v1/gyms?limit=2{cursor}"), &app.token(me)).await.expect(200).json();
        let page = &app.data(me, query, &json!({"after": after})).await["gyms"];
        let nodes: Json = page["edges"].as_array().unwrap().iter().map(|edge| edge["node"].clone()).collect();
        assert_eq!(in_words_of_rest(&nodes), in_words_of_rest(&rest["items"]));
        assert_eq!(nodes.as_array().unwrap().len(), count);
        assert_eq!(page["pageInfo"]["hasNextPage"], rest["next"].is_string());
        after = rest["next"].as_str().map(str::to_owned);
        if after.is_some() {
            assert_eq!(page["pageInfo"]["endCursor"].as_str(), after.as_deref());
        }
    }
    assert_eq!(after, None);
    app.stop().await;
}

/// As it was asked for (S-A16): without a gym, of somebody who has one.
#[tokio::test(flavor = "multi_thread")]
async fn the_query_of_the_demand_is_answered() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (me, ana) = (app.new_member(gym, "Me").await, app.new_member(gym, "Ana").await);
    let asset = app.media(ana, "image", &[("full", "jpg", 90_000, 1080)]).await;
    let story = app.story(StoryRow::media(gym, ana, "image", asset)).await;
    let query = "{ stories(first: 25) { edges { node { id media_url user { name avatar } hasViewed } } } }";
    let data = app.data(me, query, &json!({})).await;
    let node = json!({
        "id": story, "media_url": format!("/media/{asset}/full.jpg"), "user": {"name": "Ana", "avatar": null}, "hasViewed": false
    });
    assert_eq!(data, json!({"stories": {"edges": [{"node": node}]}}));
    assert_eq!(id(&data["stories"]["edges"][0]["node"]["id"]), story);
    let second = app.gym().await;
    app.member(second, me, "member").await;
    let answer = app.graphql(app.asking(me, query, &json!({}))).await.expect(200);
    assert_eq!(code(&answer), "invalid_parameter");
    app.stop().await;
}
