//! A client with a socket, and a log that is written by hand.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use uuid::Uuid;

use crate::fixtures::literal;
use crate::harness::Harness;

/// News are looked for often, so that no test depends on a note.
pub(crate) const QUICK: &str = "[live]\npoll_ms = 30\n";
const PATIENCE: Duration = Duration::from_secs(20);

/// A client that listens to a gym.
pub(crate) struct Listener {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Of the last message.
    pub(crate) position: String,
    /// What the first message said.
    pub(crate) recovered: bool,
}

/// What follows `/ws/stories/<gym>`.
pub(crate) fn query(position: Option<&str>) -> String {
    position.map(|position| format!("?position={position}")).unwrap_or_default()
}

impl Listener {
    /// A handshake at any address of a service.
    pub(crate) async fn connect(base: &str, path: &str, token: Option<&str>) -> Result<Self, Error> {
        let mut request = format!("{}{path}", base.replace("http", "ws")).into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().unwrap());
        }
        let (socket, _) = connect_async(request).await?;
        let mut listener = Self { socket, position: String::new(), recovered: false };
        let hello = listener.next().await;
        assert_eq!(hello["action"], "hello", "{hello}");
        listener.recovered = hello["recovered"].as_bool().unwrap();
        Ok(listener)
    }

    /// Listens as somebody, from a position on or from now.
    pub(crate) async fn open(app: &Harness, gym: Uuid, person: Uuid, position: Option<&str>) -> Self {
        let path = format!("/ws/stories/{gym}{}", query(position));
        Self::connect(&app.base, &path, Some(&app.token(person))).await.unwrap()
    }

    async fn message(&mut self) -> Option<Message> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.unwrap()? {
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(message) => return Some(message),
                Err(_) => return None,
            }
        }
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Json {
        self.event().await.unwrap_or_else(|end| panic!("ended by {end:?}"))
    }

    /// The next event, or the farewell.
    pub(crate) async fn event(&mut self) -> Result<Json, Option<CloseFrame>> {
        match self.message().await {
            Some(Message::Text(text)) => {
                let event: Json = serde_json::from_str(&text).unwrap();
                self.position = event["position"].as_str().unwrap().to_owned();
                Ok(event)
            }
            Some(Message::Close(frame)) => Err(frame),
            Some(other) => panic!("{other:?}"),
            None => Err(None),
        }
    }

    /// Stories of the next events, until a fence ([`fence`]).
    pub(crate) async fn until_fence(&mut self) -> Vec<(String, Uuid)> {
        let mut heard = Vec::new();
        loop {
            let event = self.next().await;
            let story = event["story_id"].as_str().map(|id| id.parse().unwrap()).unwrap_or_default();
            if story == FENCE {
                return heard;
            }
            heard.push((event["action"].as_str().unwrap().to_owned(), story));
        }
    }

    /// What the conversation is ended with: code and reason.
    pub(crate) async fn closed(mut self) -> (u16, String) {
        loop {
            match self.event().await {
                Ok(_) => {}
                Err(frame) => {
                    let frame = frame.unwrap();
                    return (frame.code.into(), frame.reason.to_string());
                }
            }
        }
    }

    /// Says something.
    pub(crate) async fn say(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }
}

/// The story of the event that everybody is told.
pub(crate) const FENCE: Uuid = Uuid::from_u128(0xfe);

/// An entry of a log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    action: &'static str,
    story: Option<Uuid>,
    author: Option<Uuid>,
    privacy: Option<&'static str>,
    viewer: Option<Uuid>,
    data: Json,
}

impl Entry {
    /// Of a story.
    pub(crate) fn story(action: &'static str, story: Uuid, author: Uuid, privacy: &'static str) -> Self {
        let data = json!({"type": "text"});
        Self { action, story: Some(story), author: Some(author), privacy: Some(privacy), viewer: None, data }
    }

    /// The order to read the feed anew, for one or for all.
    pub(crate) fn refetch(viewer: Option<Uuid>) -> Self {
        Self { action: "refetch", story: None, author: None, privacy: None, viewer, data: json!({}) }
    }

    /// For the author alone.
    pub(crate) fn for_author(self) -> Self {
        Self { privacy: None, ..self }
    }

    /// What is told.
    pub(crate) fn with(self, data: Json) -> Self {
        Self { data, ..self }
    }
}

/// What everybody is told, so that it is known that nothing came before it.
pub(crate) fn fence() -> Entry {
    let story = Some(FENCE);
    Entry { action: "remove_story", story, author: None, privacy: None, viewer: None, data: json!({}) }
}

impl Harness {
    /// Adds to the log of a gym, as the service does: under its clock, in one transaction.
    pub(crate) async fn append(&self, gym: Uuid, entries: &[Entry]) {
        self.sql(&append_sql(gym, entries)).await;
    }

    /// Where the log of a gym ends.
    pub(crate) async fn position(&self, gym: Uuid) -> String {
        Listener::open(self, gym, self.somebody(gym).await, None).await.position
    }

    async fn somebody(&self, gym: Uuid) -> Uuid {
        self.new_member(gym, "Somebody").await
    }
}

/// The statements that add to a log.
pub(crate) fn append_sql(gym: Uuid, entries: &[Entry]) -> String {
    let id = |id: Option<Uuid>| id.map_or("NULL".to_owned(), |id| format!("'{id}'"));
    entries
        .iter()
        .map(|entry| {
            format!(
                "WITH clock AS (UPDATE feed_clock SET seq = seq + 1 WHERE gym_id = '{gym}' RETURNING seq) \
                 INSERT INTO feed_event SELECT '{gym}', seq, '{}', {}, {}, {}, {}, {}, now() FROM clock;",
                entry.action,
                id(entry.story),
                id(entry.author),
                entry.privacy.map_or("NULL".to_owned(), literal),
                id(entry.viewer),
                literal(&entry.data.to_string()),
            )
        })
        .collect()
}
