//! Who may keep an answer: what was asked by GET, went well, and depends on nothing but groups and the clock.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::GRAPHQL;
use crate::feed::groups_of;
use crate::fixtures::StoryRow;
use crate::harness::Harness;

const FEED: &str = "query ($gym: ID!) { stories(gymId: $gym) { nodes { id hasViewed } } }";

struct Scene {
    app: Harness,
    gym: Uuid,
    me: Uuid,
    story: Uuid,
}

async fn scene() -> Scene {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (me, ana) = (app.new_member(gym, "Me").await, app.new_member(gym, "Ana").await);
    let story = app.story(StoryRow::text(gym, ana)).await;
    Scene { app, gym, me, story }
}

fn rendered(mut groups: Vec<String>) -> String {
    groups.sort();
    groups.iter().map(|group| format!("\"{group}\"")).collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_get_shows_may_be_kept_by_an_edge_until_its_groups_change() {
    let Scene { app, gym, me, story } = scene().await;
    let variables = json!({"gym": gym});
    let first = app.graphql(app.getting(me, FEED, &variables)).await.expect(200);
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert_eq!(first.header("cdn-cache-control"), "private, principal, max-age=300");
    assert_eq!(first.header("cache-groups"), rendered(groups_of(gym, me)));
    assert!(first.header("vary").starts_with("Accept, "), "{:?}", first.headers);
    let tag = first.header("etag");
    let known = app.graphql(app.getting(me, FEED, &variables).header("If-None-Match", tag)).await.expect(304);
    assert_eq!((known.header("etag"), known.body.len()), (tag, 0));
    app.graphql(app.getting(me, FEED, &variables).header("If-Match", "\"other\"")).await.expect(412);
    // The same bytes in another media type are another representation.
    let json = app.graphql(app.getting(me, FEED, &variables).header("Accept", "application/json;q=1")).await;
    assert_eq!(json.header("etag") == tag, json.header("content-type") == first.header("content-type"));

    let seen = json!({"views": [{"story_id": story, "seen_at": app.clock.now()}]});
    app.post("/v1/stories/views:batch", &app.token(me), &seen).await.expect(200);
    let after = app.graphql(app.getting(me, FEED, &variables).header("If-None-Match", tag)).await.expect(200);
    assert_eq!(after.json()["data"]["stories"]["nodes"][0], json!({"id": story, "hasViewed": true}));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_fields_depend_on_all_their_groups() {
    let Scene { app, gym, me, story } = scene().await;
    let query = "query ($gym: ID!, $id: ID!) { stories(gymId: $gym) { gymId } story(id: $id) { id } }";
    let answer = app.graphql(app.getting(me, query, &json!({"gym": gym, "id": story}))).await.expect(200);
    let mut groups = groups_of(gym, me);
    groups.push(format!("stories/{story}"));
    assert_eq!(answer.header("cache-groups"), rendered(groups));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_is_nobodys_to_keep() {
    let Scene { app, gym, me, story } = scene().await;
    let mine = app.story(StoryRow::text(gym, me)).await;
    let gets = [
        // Which gyms somebody belongs to, and how often their own stories were seen, has no group.
        "{ gyms { edges { node { id } } } }".to_owned(),
        "{ stories { gymId } }".to_owned(),
        format!("{{ story(id: \"{mine}\") {{ views }} }}"),
        format!("{{ stories(gymId: \"{gym}\") {{ gymId }} gyms {{ edges {{ node {{ id }} }} }} }}"),
        // What went wrong may go well the next time.
        format!("{{ stories(gymId: \"{gym}\") {{ gymId }} story(id: \"{}\") {{ id }} }}", Uuid::now_v7()),
        "{ __typename }".to_owned(),
        "{".to_owned(),
    ];
    let mut requests: Vec<_> = gets.iter().map(|query| app.getting(me, query, &json!({}))).collect();
    requests.push(app.asking(me, FEED, &json!({"gym": gym})));
    requests.push(app.asking(me, "query ($id: ID!) { story(id: $id) { id } }", &json!({"id": story})));
    for request in requests {
        let answer = app.graphql(request).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{}", answer.text());
        for field in ["etag", "cdn-cache-control", "cache-groups"] {
            assert_eq!(answer.header(field), "", "{}", answer.text());
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_what_get_is_without_its_content() {
    let Scene { app, gym, me, .. } = scene().await;
    let parameters = [("query", FEED.to_owned()), ("variables", json!({"gym": gym}).to_string())];
    let get = app.graphql(app.getting(me, FEED, &json!({"gym": gym}))).await.expect(200);
    let head = app
        .request(Method::HEAD, "/graphql", Some(&app.token(me)))
        .header("Accept", GRAPHQL)
        .query(&parameters);
    let head = app.graphql(head).await.expect(200);
    assert!(head.body.is_empty());
    for field in ["etag", "content-type", "content-length", "cache-groups"] {
        assert_eq!(head.header(field), get.header(field), "{field}");
    }
    app.stop().await;
}
