//! What a request of GraphQL costs: no more statements than one of REST, none where the parts are known from there, and bounds on what
//! can be asked at once.

use serde_json::json;

use super::code;
use crate::feed::feed_of;
use crate::fixtures::StoryRow;
use crate::harness::Harness;

const FEED: &str = "query ($gym: ID!) { stories(gymId: $gym) { edges { cursor node { id user { name avatar } hasViewed reactions { count } } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_takes_three_statements_and_none_where_rest_has_asked_before() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let mut people = Vec::new();
    for number in 0..10 {
        people.push(app.new_member(gym, &format!("Person {number}")).await);
    }
    for number in 0..25 {
        app.story(StoryRow::text(gym, people[number % 10])).await;
    }
    let variables = json!({"gym": gym});
    let cold = app.graphql(app.asking(people[0], FEED, &variables)).await.expect(200);
    assert_eq!(cold.statements(), 3);
    assert_eq!(cold.json()["data"]["stories"]["edges"].as_array().unwrap().len(), 25);
    let rest = app.get(&feed_of(gym), &app.token(people[0])).await.expect(200);
    assert_eq!(rest.statements(), 0, "made from what GraphQL had loaded");
    let rest = app.get(&feed_of(gym), &app.token(people[1])).await.expect(200);
    assert_eq!(rest.statements(), 1, "its own part");
    let warm = app.graphql(app.asking(people[1], FEED, &variables)).await.expect(200);
    assert_eq!(warm.statements(), 0, "made from what REST had loaded");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_takes_what_it_takes_over_rest() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let (me, ana) = (app.new_member(gym, "Me").await, app.new_member(gym, "Ana").await);
    let story = app.story(StoryRow::text(gym, ana)).await;
    let query = "query ($id: ID!) { story(id: $id) { id caption } }";
    let cold = app.graphql(app.asking(me, query, &json!({"id": story}))).await.expect(200);
    assert_eq!(cold.statements(), 2, "where it belongs, and the story");
    let rest = app.get(&format!("/v1/stories/{story}"), &app.token(me)).await.expect(200);
    assert_eq!(rest.statements(), 0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn depth_and_cost_are_bounded_by_the_configuration() {
    let app = Harness::with("[api]\ngraphql_max_depth = 4\ngraphql_max_cost = 300\n").await;
    let gym = app.gym().await;
    let me = app.new_member(gym, "Me").await;
    let variables = json!({"gym": gym});
    for (query, message) in [
        (
            "query ($gym: ID!) { stories(gymId: $gym, first: 1) { edges { node { media { renditions { url } } } } } }",
            "fields are nested 6 deep, at most 4 are allowed",
        ),
        (
            "query ($gym: ID!) { stories(gymId: $gym, first: 100) { nodes { id caption } } }",
            "the document costs 350, at most 300 is allowed",
        ),
    ] {
        let answer = app.graphql(app.asking(me, query, &variables)).await.expect(400);
        assert_eq!((code(&answer).as_str(), answer.statements()), ("graphql_limit_exceeded", 0));
        assert_eq!(answer.json()["errors"][0]["message"], message);
    }
    let small = "query ($gym: ID!) { stories(gymId: $gym, first: 80) { nodes { id caption } } }";
    app.data(me, small, &variables).await;
    app.stop().await;
}

/// Whatever the number of feeds in a request, it holds the connections of one.
#[tokio::test(flavor = "multi_thread")]
async fn many_fields_in_one_request_are_loaded_one_after_the_other() {
    let app = Harness::with("[postgres]\nmax_connections = 3\n").await;
    let me = uuid::Uuid::now_v7();
    app.person(me, "Me").await;
    let mut fields = String::new();
    for number in 0..12 {
        let gym = app.gym().await;
        app.member(gym, me, "member").await;
        let story = app.story(StoryRow::text(gym, me)).await;
        fields += &format!(
            "f{number}: stories(gymId: \"{gym}\", first: 5) {{ nodes {{ id }} }} s{number}: story(id: \"{story}\") {{ id }} "
        );
    }
    let data = app.data(me, &format!("{{ {fields} }}"), &json!({})).await;
    assert_eq!(data.as_object().unwrap().len(), 24);
    for number in 0..12 {
        assert_eq!(data[format!("f{number}")]["nodes"][0], data[format!("s{number}")]);
    }
    app.stop().await;
}
