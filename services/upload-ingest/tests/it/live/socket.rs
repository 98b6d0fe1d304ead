//! WebSocket.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::Worker;
use crate::harness::TestApp;
use crate::shelf::{PHOTO, Shelf, text};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(app: &TestApp, path: &str, token: Option<&str>) -> Result<Socket, Error> {
    let mut request = format!("{}{path}", app.base.replace("http", "ws")).into_client_request().unwrap();
    if let Some(token) = token {
        request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

async fn next(socket: &mut Socket) -> Option<Message> {
    loop {
        let message = timeout(Duration::from_secs(20), socket.next()).await.unwrap();
        match message?.unwrap() {
            Message::Ping(_) => {}
            other => return Some(other),
        }
    }
}

async fn timeline(socket: &mut Socket) -> Json {
    let message = next(socket).await.unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

/// The code that the conversation ends with.
async fn close_code(socket: &mut Socket) -> Option<CloseCode> {
    loop {
        match next(socket).await? {
            Message::Close(reason) => return reason.map(|reason| reason.code),
            _ => continue,
        }
    }
}

#[tokio::test]
async fn a_socket_tells_what_changes_and_closes_when_nothing_more_will() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let id = text(&asset, "id");
    let mut worker = Worker::at(Shelf::of(&app).await, id).await;
    let mut socket = open(&app, &format!("/ws/assets/{id}"), Some(&token)).await.unwrap();
    assert_eq!(timeline(&mut socket).await["status"], "processing");
    worker.reaches("probe", 0.25).await;
    assert_eq!(timeline(&mut socket).await["stages"][0]["progress"], 0.25);
    worker.finishes().await;
    assert_eq!(timeline(&mut socket).await["status"], "processed");
    assert_eq!(close_code(&mut socket).await, Some(CloseCode::Normal));
    app.stop().await;
}

#[tokio::test]
async fn what_a_client_says_is_not_read_but_pings_and_its_farewell() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let path = format!("/ws/assets/{}", text(&asset, "id"));
    let mut socket = open(&app, &path, Some(&token)).await.unwrap();
    timeline(&mut socket).await;
    socket.send(Message::text("anything")).await.unwrap();
    socket.send(Message::Ping("here?".into())).await.unwrap();
    assert_eq!(next(&mut socket).await, Some(Message::Pong("here?".into())));
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = timeout(Duration::from_secs(20), socket.next()).await.unwrap() {}
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_says_too_much_is_sent_away() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let asset = app.upload("images", &token, PHOTO).await;
    let path = format!("/ws/assets/{}", text(&asset, "id"));
    let mut socket = open(&app, &path, Some(&token)).await.unwrap();
    timeline(&mut socket).await;
    socket.send(Message::text("x".repeat(2000))).await.unwrap();
    assert_eq!(close_code(&mut socket).await, Some(CloseCode::Size));
    app.stop().await;
}

#[tokio::test]
async fn a_socket_opens_by_its_link_and_for_nobody_else() {
    let app = TestApp::start().await;
    let (owner, other) = (app.token("ada", &[]), app.token("bob", &[]));
    let asset = Shelf::of(&app).await.photo(&owner, "private").await;
    let path = format!("/ws/assets/{}", text(&asset, "id"));
    for (token, status) in [(None, 401), (Some(&*other), 404)] {
        match open(&app, &path, token).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), status),
            other => panic!("{other:?}"),
        }
    }
    let timeline_path = format!("/v1/assets/{}/timeline", text(&asset, "id"));
    let link = app.get(&timeline_path, Some(&owner)).await.json();
    let mut socket = open(&app, text(&link, "socket_url"), None).await.unwrap();
    assert_eq!(timeline(&mut socket).await["status"], "processed");
    assert_eq!(close_code(&mut socket).await, Some(CloseCode::Normal));
    // What is no handshake is no conversation.
    app.get(&path, Some(&owner)).await.expect_problem(400, "malformed_request");
    app.stop().await;
}
