//! How many statements reads cost, however long the lists are.

use uuid::Uuid;

use super::root;
use crate::fixtures::StoryRow;
use crate::harness::Harness;

#[tokio::test]
async fn no_read_asks_more_of_the_database_for_a_longer_list() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let highlight = Uuid::now_v7();
    let paths = [
        ("/v1/gyms".to_owned(), 1),
        (format!("/v1/gyms/{gym}"), 2),
        (format!("/v1/gyms/{gym}/members"), 2),
        ("/v1/follows".to_owned(), 1),
        ("/v1/close-friends".to_owned(), 1),
        ("/v1/blocks".to_owned(), 1),
        (format!("/v1/gyms/{gym}/stories/archive"), 2),
        (format!("/v1/gyms/{gym}/highlights"), 4),
        (format!("/v1/highlights/{highlight}"), 3),
    ];
    for count in [1, 20] {
        fill(&app, gym, ada, highlight, count).await;
        for (path, statements) in &paths {
            let read = app.get(path, &app.token(ada)).await.expect(200);
            assert_eq!(read.statements(), *statements, "{path} with {count}");
        }
        let reports = app.get(&format!("/v1/gyms/{gym}/reports"), &root(&app)).await.expect(200);
        assert_eq!(reports.statements(), 3, "one more for who is no member");
    }
    app.stop().await;
}

async fn fill(app: &Harness, gym: Uuid, ada: Uuid, highlight: Uuid, count: usize) {
    for _ in 0..count {
        let bob = app.new_member(gym, "Bob").await;
        app.follow(ada, bob).await;
        app.close_friend(ada, bob).await;
        app.block(ada, Uuid::now_v7()).await;
        let story = app.story(StoryRow { state: "archived", ..StoryRow::text(gym, ada) }).await;
        let another = app.gym().await;
        app.member(another, ada, "member").await;
        app.sql(&format!(
            "INSERT INTO story_report (story_id, reporter_id, gym_id, reason, created_at) \
               VALUES ('{story}', '{bob}', '{gym}', 'spam', now()); \
             INSERT INTO highlight (id, gym_id, owner_id, title, created_at, updated_at) \
               VALUES ('{highlight}', '{gym}', '{ada}', 'Best', now(), now()) ON CONFLICT DO NOTHING; \
             INSERT INTO highlight (id, gym_id, owner_id, title, created_at, updated_at) \
               VALUES ('{}', '{gym}', '{ada}', 'More', now(), now()); \
             INSERT INTO highlight_item VALUES ('{highlight}', '{story}', \
               (SELECT count(*) FROM highlight_item WHERE highlight_id = '{highlight}'))",
            Uuid::now_v7()
        ))
        .await;
    }
}
