//! Names, and who may sign in, as the catalog tells.

use contracts::catalog::v1::{Change, RecordChanged};
use serde_json::{Value as Json, json};
use test_harness::wait_until;
use uuid::Uuid;

use super::world::{DEADLINE, World};
use crate::fixtures::StoryRow;
use crate::people::{event, log};

fn changed(person: Uuid, version: i64, change: Change, name: &str, active: bool) -> RecordChanged {
    let record =
        json!({"id": person, "fullname": name, "active": active, "role": "apprentice", "version": version});
    RecordChanged {
        id: Uuid::now_v7().to_string(),
        model: "user".to_owned(),
        record_id: person.to_string(),
        version,
        change: change.into(),
        record_json: if change == Change::Deleted { String::new() } else { record.to_string() },
        ..Default::default()
    }
}

/// Tells, and waits until it is applied.
async fn tell(world: &World, told: &RecordChanged) {
    world.tell("catalog.user.updated", told).await;
    let sql = format!(
        "SELECT count(*) AS number FROM person WHERE id = '{}' AND catalog_version >= {}",
        told.record_id, told.version
    );
    wait_until("the person is known", DEADLINE, async || world.app.number(&sql).await == 1).await;
}

async fn shown_name(world: &World, gym: Uuid, viewer: Uuid) -> Json {
    let path = format!("/v1/gyms/{gym}/stories/feed");
    let feed = world.app.get(&path, &world.app.token(viewer)).await.expect(200).json();
    feed["user_stories"][0]["user"]["name"].clone()
}

#[tokio::test]
async fn what_a_gym_shows_of_people_is_what_the_catalog_told_last() {
    let world = World::start().await;
    let app = &world.app;
    let (gym, second) = (app.gym().await, app.gym().await);
    let bob = app.new_member(gym, "Bob").await;
    let ada = Uuid::now_v7();
    for id in [gym, second] {
        app.member(id, ada, "member").await;
    }
    // Posted before the catalog has told of her.
    let story = app.story(StoryRow::text(gym, ada)).await;
    assert_eq!(shown_name(&world, gym, bob).await, Json::Null);
    tell(&world, &changed(ada, 1, Change::Created, "Ada", true)).await;
    assert_eq!(shown_name(&world, gym, bob).await, "Ada");
    tell(&world, &changed(ada, 3, Change::Updated, "Ada L.", true)).await;
    assert_eq!(shown_name(&world, gym, bob).await, "Ada L.");
    // Late, again, and of no visible difference.
    world.tell("catalog.user.updated", &changed(ada, 2, Change::Updated, "Eda", false)).await;
    world.tell("catalog.user.updated", &changed(ada, 3, Change::Updated, "Ada L.", true)).await;
    tell(&world, &changed(ada, 4, Change::Updated, "Ada L.", true)).await;
    assert_eq!(shown_name(&world, gym, bob).await, "Ada L.");
    tell(&world, &changed(ada, 5, Change::Updated, "Ada L.", false)).await;
    assert!(world.seen_by(gym, bob).await.is_empty());
    tell(&world, &changed(ada, 6, Change::Updated, "Ada L.", true)).await;
    assert_eq!(world.seen_by(gym, bob).await, [story]);
    tell(&world, &changed(ada, 7, Change::Deleted, "", false)).await;
    assert!(world.seen_by(gym, bob).await.is_empty());
    let about = |action| event(action, Some(story), None, "public");
    let refetch = || event("refetch", None, Some(ada), "");
    let (prepend, update, remove) = ("prepend_story", "update_story", "remove_story");
    let expected =
        [about(prepend), about(update), about(remove), refetch(), about(prepend), about(remove), refetch()];
    assert_eq!(log(app, gym).await, expected);
    assert_eq!(log(app, second).await, [refetch(), refetch()], "nothing of hers was shown there");
    let kept =
        format!("SELECT count(*) AS number FROM person WHERE id = '{ada}' AND name = '—' AND NOT is_active");
    assert_eq!(app.number(&kept).await, 1, "nothing is kept of who was deleted");
    world.stop().await;
}

#[tokio::test]
async fn who_may_not_sign_in_any_more_is_no_member_that_reads() {
    let world = World::start().await;
    let gym = world.app.gym().await;
    let ada = world.app.new_member(gym, "Ada").await;
    assert!(world.seen_by(gym, ada).await.is_empty());
    tell(&world, &changed(ada, 2, Change::Updated, "Ada", false)).await;
    // A deleted one before it was ever known, and what was told before that: it stays gone.
    let eve = Uuid::now_v7();
    world.app.member(gym, eve, "member").await;
    tell(&world, &changed(eve, 9, Change::Deleted, "", false)).await;
    world.tell("catalog.user.created", &changed(eve, 8, Change::Created, "Eve", true)).await;
    tell(&world, &changed(ada, 3, Change::Updated, "Ada", true)).await;
    let active = "SELECT count(*) AS number FROM person WHERE is_active";
    let of_eve = format!("{active} AND id = '{eve}'");
    assert_eq!(world.app.number(&of_eve).await, 0);
    world.stop().await;
}

/// Somebody joins while the name changes: the gym shows the new one, whichever comes first.
#[tokio::test]
async fn a_name_that_changes_while_somebody_joins_is_the_new_one_in_every_gym() {
    let world = World::start().await;
    let app = &world.app;
    let root = crate::people::root(app);
    let ada = Uuid::now_v7();
    app.person(ada, "Ada").await;
    let mut gyms = Vec::new();
    for version in 2..10 {
        let gym = app.gym().await;
        let (bob, story) = (app.new_member(gym, "Bob").await, app.story(StoryRow::text(gym, ada)).await);
        let name = format!("Ada {version}");
        let told = changed(ada, version, Change::Updated, &name, true);
        let (path, body) = (format!("/v1/gyms/{gym}/members/{ada}"), json!({"role": "member"}));
        let (joined, ()) = tokio::join!(app.put(&path, &root, Some(&body)), tell(&world, &told));
        assert!(joined.status.is_success(), "{}", joined.text());
        gyms.push((gym, bob, story));
        for (gym, bob, story) in &gyms {
            assert_eq!(world.seen_by(*gym, *bob).await, [*story]);
            assert_eq!(shown_name(&world, *gym, *bob).await, name.as_str());
        }
    }
    world.stop().await;
}
