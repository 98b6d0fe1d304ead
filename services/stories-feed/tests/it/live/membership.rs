//! Only members listen, and only while they are.

use super::socket::{Entry, Listener, QUICK, append_sql, fence};
use crate::harness::Harness;

#[tokio::test]
async fn who_does_not_belong_to_a_gym_does_not_learn_that_there_is_one() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let stranger = app.new_member(app.gym().await, "Stranger").await;
    let gone = app.new_member(gym, "Gone").await;
    app.sql(&format!("UPDATE person SET is_active = false WHERE id = '{gone}'")).await;
    let nowhere = uuid::Uuid::now_v7();
    for (gym, person) in [(gym, stranger), (gym, gone), (nowhere, stranger)] {
        let token = app.token(person);
        app.get(&format!("/ws/stories/{gym}"), &token).await.expect_problem(404, "not_found");
        let path = format!("/v1/gyms/{gym}/stories/tickets");
        app.post(&path, &token, &serde_json::json!({})).await.expect_problem(404, "not_found");
    }
    let anonymous = app.request(reqwest::Method::GET, &format!("/ws/stories/{gym}"), None);
    app.send(anonymous).await.expect_problem(401, "unauthenticated");
    app.stop().await;
}

#[tokio::test]
async fn who_is_removed_or_may_not_sign_in_any_more_is_cut_with_all_sockets_and_the_others_stay() {
    let app = Harness::with(QUICK).await;
    let gym = app.gym().await;
    let stays = app.new_member(gym, "Stays").await;
    let mut listener = Listener::open(&app, gym, stays, None).await;
    for change in ["DELETE FROM member WHERE user_id = ", "UPDATE person SET is_active = false WHERE id = "] {
        let gone = app.new_member(gym, "Gone").await;
        let sockets =
            [Listener::open(&app, gym, gone, None).await, Listener::open(&app, gym, gone, None).await];
        let log = append_sql(gym, &[Entry::refetch(Some(gone)), fence()]);
        app.sql(&format!("{change} '{gone}'; {log}")).await;
        for socket in sockets {
            assert_eq!(socket.closed().await, (1008, "not a member of the gym".to_owned()));
        }
        assert_eq!(listener.until_fence().await, []);
    }
    app.stop().await;
}
