//! Tickets open one socket to one gym, for a short while.

use chrono::TimeDelta;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;
use uuid::Uuid;

use super::socket::Listener;
use crate::harness::Harness;

async fn ticket(app: &Harness, gym: Uuid, person: Uuid) -> String {
    let path = format!("/v1/gyms/{gym}/stories/tickets");
    let answer = app.post(&path, &app.token(person), &json!({})).await.expect(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let given = answer.json();
    assert_eq!(given["expires_in"], 30);
    given["ticket"].as_str().unwrap().to_owned()
}

/// The status that a handshake with a ticket is answered with; 101 where it opens.
async fn status(app: &Harness, gym: Uuid, ticket: &str) -> u16 {
    match Listener::connect(&app.base, &format!("/ws/stories/{gym}?ticket={ticket}"), None).await {
        Ok(_) => 101,
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_ticket_opens_a_socket_to_its_gym_until_it_expires() {
    let app = Harness::start().await;
    let (gym, other) = (app.gym().await, app.gym().await);
    let ada = app.new_member(gym, "Ada").await;
    app.member(other, ada, "member").await;
    let now = app.clock.now();
    app.clock.set(now);
    let valid = ticket(&app, gym, ada).await;
    assert_eq!(status(&app, gym, &valid).await, 101);
    assert_eq!(status(&app, other, &valid).await, 401, "it is for one gym");
    assert_eq!(status(&app, gym, valid.get(1..).unwrap()).await, 401);
    assert_eq!(status(&app, gym, "x").await, 401);
    app.clock.set(now + TimeDelta::seconds(30) - TimeDelta::milliseconds(1));
    assert_eq!(status(&app, gym, &valid).await, 101);
    app.clock.set(now + TimeDelta::seconds(30));
    assert_eq!(status(&app, gym, &valid).await, 401, "it has expired");
    app.stop().await;
}

#[tokio::test]
async fn a_ticket_is_of_its_person_and_opens_nothing_else() {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let valid = ticket(&app, gym, ada).await;
    // It is no token and no cursor.
    let as_token = app.request(reqwest::Method::GET, "/v1/gyms", Some(&valid));
    assert_eq!(app.send_unchecked(as_token).await.status, 401);
    let as_cursor = format!("/v1/gyms/{gym}/members?cursor={valid}");
    app.get(&as_cursor, &app.token(ada)).await.expect_problem(400, "invalid_cursor");
    // Whoever has left the gym meanwhile does not come in by it.
    app.sql(&format!("DELETE FROM member WHERE user_id = '{ada}'")).await;
    assert_eq!(status(&app, gym, &valid).await, 404);
    app.stop().await;
}
