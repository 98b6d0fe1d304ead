//! An upstream with a script for each address, and a gateway with a cache in front of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use test_harness::wait_until;
use tokio::sync::watch;

use crate::harness::{Gateway, PATIENCE, catch_all, gateway, raw_upstream};
use crate::http::wire::{Message, Peer};

/// What the upstream does with a request.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Sends an answer that is written as for [`message`], `{n}` replaced by the number of the request for its address.
    Say(String),
    /// Sends bytes.
    Send(Vec<u8>),
    /// Goes on when the gate is open.
    Wait(watch::Receiver<bool>),
    /// Closes the connection.
    Close,
    /// Sends these bytes again and again, for as long as somebody takes them.
    Endless(Vec<u8>),
}

/// Keeps whoever waits at it.
pub(super) struct Gate(watch::Sender<bool>);

impl Gate {
    pub(super) fn new() -> Self {
        Self(watch::channel(false).0)
    }

    pub(super) fn wait(&self) -> Step {
        Step::Wait(self.0.subscribe())
    }

    pub(super) fn open(&self) {
        let _ = self.0.send(true);
    }
}

#[derive(Default)]
struct Scripts {
    /// By path and query; the last answer is given again and again.
    answers: HashMap<String, Vec<Vec<Step>>>,
    seen: HashMap<String, Vec<Message>>,
}

/// The upstream.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) addr: SocketAddr,
    scripts: Arc<Mutex<Scripts>>,
}

pub(super) fn answer(text: &str) -> Vec<Step> {
    vec![Step::Say(text.to_owned())]
}

/// `"200\ncache-control: max-age=60\n\nbody"` as it goes over the wire. A length is added unless the head says how the body
/// is delimited.
pub(super) fn message(text: &str) -> Vec<u8> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let (status, fields) = head.split_once('\n').unwrap_or((head, ""));
    let mut wire = format!("HTTP/1.1 {status} X\r\n");
    for field in fields.lines() {
        wire.push_str(&format!("{field}\r\n"));
    }
    let lower = head.to_ascii_lowercase();
    let delimited = lower.contains("content-length:") || lower.contains("transfer-encoding:");
    if !delimited && !matches!(status, "204" | "304") {
        wire.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    wire.push_str("\r\n");
    wire.push_str(body);
    wire.into_bytes()
}

impl Origin {
    pub(super) async fn start() -> Self {
        let scripts = Arc::new(Mutex::new(Scripts::default()));
        let shared = Arc::clone(&scripts);
        let addr = raw_upstream(move |stream, _| {
            let scripts = Arc::clone(&shared);
            async move {
                let mut peer = Peer::new(stream);
                while let Some(request) = peer.message().await {
                    let steps = next(&scripts, request);
                    if !play(&mut peer, steps).await {
                        break;
                    }
                }
            }
        })
        .await;
        Self { addr, scripts }
    }
}

/// Notes a request, and says what to do with it.
fn next(scripts: &Mutex<Scripts>, request: Message) -> Vec<Step> {
    let target = request.line().split(' ').nth(1).unwrap().to_owned();
    let is_head = request.line().starts_with("HEAD ");
    let mut scripts = scripts.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = scripts.seen.entry(target.clone()).or_default();
    seen.push(request);
    let number = seen.len();
    let Some(answers) = scripts.answers.get_mut(&target) else {
        return vec![Step::Send(message("404\n\nnothing"))];
    };
    let steps = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
    let steps = steps.into_iter().map(|step| match step {
        Step::Say(text) => {
            let bytes = message(&text.replace("{n}", &number.to_string()));
            Step::Send(if is_head { head_of(&bytes) } else { bytes })
        }
        step => step,
    });
    steps.collect()
}

fn head_of(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    bytes[..end + 4].to_vec()
}

/// Whether the connection can be used again.
async fn play(peer: &mut Peer, steps: Vec<Step>) -> bool {
    for step in steps {
        match step {
            Step::Say(text) => peer.send(message(&text)).await,
            Step::Send(bytes) => peer.send(bytes).await,
            Step::Wait(mut gate) => {
                if gate.wait_for(|open| *open).await.is_err() {
                    return false;
                }
            }
            Step::Close => return false,
            Step::Endless(bytes) => while peer.try_send(&bytes).await {},
        }
    }
    true
}

/// The gateway, and the upstream behind it.
pub(super) struct World {
    pub(super) gateway: Gateway,
    pub(super) origin: Origin,
}

impl World {
    /// With a plain `[cache]`.
    pub(super) async fn new() -> Self {
        Self::with("", "").await
    }

    /// `cache` adds keys to that section, `route` to the only route.
    pub(super) async fn with(cache: &str, route: &str) -> Self {
        let origin = Origin::start().await;
        let gateway = gateway(&format!("[cache]\n{cache}\n{}", catch_all(origin.addr, route)));
        Self { gateway, origin }
    }

    /// `upstream` adds keys to the only upstream.
    pub(super) async fn with_upstream(upstream: &str) -> Self {
        let origin = Origin::start().await;
        let text =
            catch_all(origin.addr, "").replacen("[upstream.u]\n", &format!("[upstream.u]\n{upstream}\n"), 1);
        let gateway = gateway(&format!("[cache]\n{text}"));
        Self { gateway, origin }
    }

    /// What the upstream answers at an address: one after the other, the last for ever.
    pub(super) fn say(&self, target: &str, answers: &[&str]) {
        self.script(target, answers.iter().map(|text| answer(text)).collect());
    }

    pub(super) fn script(&self, target: &str, answers: Vec<Vec<Step>>) {
        let mut scripts = self.origin.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.answers.insert(target.to_owned(), answers);
    }

    /// How often the upstream was asked for an address.
    pub(super) fn asked(&self, target: &str) -> usize {
        self.seen(target).len()
    }

    /// What it was asked.
    pub(super) fn seen(&self, target: &str) -> Vec<Message> {
        let scripts = self.origin.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.seen.get(target).cloned().unwrap_or_default()
    }

    pub(super) async fn get(&self, target: &str) -> Message {
        self.ask("GET", target, "").await
    }

    /// `fields` are lines, each with its end (`\n`).
    pub(super) async fn ask(&self, method: &str, target: &str, fields: &str) -> Message {
        let mut peer = Peer::to(&self.gateway).await;
        peer.send(request(method, target, fields)).await;
        if method == "HEAD" { peer.answer_to_head().await } else { peer.final_answer().await }
    }

    pub(super) async fn wait_until_asked(&self, target: &str, times: usize) {
        wait_until("the upstream to be asked", PATIENCE, async || self.asked(target) >= times).await;
    }

    /// Waits until an answer to a GET is as wanted, and returns it.
    pub(super) async fn until(&self, target: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        let mut last = Message::default();
        wait_until("the answer that is wanted", PATIENCE, async || {
            last = self.get(target).await;
            wanted(&last)
        })
        .await;
        last
    }

    pub(super) async fn purge(&self, groups: &[&str]) -> Value {
        let url = format!("http://{}/_cache/purge", self.gateway.admin);
        let answer = self.gateway.http.post(url).json(&json!({ "groups": groups })).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub(super) async fn explain(&self, target: &str) -> Value {
        let url = format!("http://{}/_cache/explain", self.gateway.admin);
        let of = format!("http://h{target}");
        self.gateway.http.get(url).query(&[("url", of)]).send().await.unwrap().json().await.unwrap()
    }

    /// Gets it twice: whether the second answer came from memory, as `Cache-Status` and the upstream agree.
    pub(super) async fn is_kept(&self, target: &str, fields: &str) -> bool {
        self.ask("GET", target, fields).await;
        let before = self.asked(target);
        let again = self.ask("GET", target, fields).await;
        let from_memory = self.asked(target) == before;
        assert_eq!(is_hit(&again), from_memory, "{target}: {}", again.head);
        from_memory
    }
}

pub(super) fn request(method: &str, target: &str, fields: &str) -> String {
    let fields: String = fields.lines().map(|line| format!("{line}\r\n")).collect();
    format!("{method} {target} HTTP/1.1\r\nhost: h\r\n{fields}\r\n")
}

/// What this cache says of itself.
pub(super) fn status(answer: &Message) -> String {
    let ours = answer.fields("cache-status").last().copied().unwrap_or_default();
    ours.rsplit("aldia").next().map(|rest| format!("aldia{rest}")).unwrap_or_default()
}

pub(super) fn is_hit(answer: &Message) -> bool {
    status(answer).split("; ").any(|parameter| parameter == "hit")
}

/// An HTTP date so many seconds from now.
pub(super) fn date(offset: i64) -> String {
    let now = std::time::SystemTime::now();
    let by = std::time::Duration::from_secs(offset.unsigned_abs());
    let at = if offset < 0 { now - by } else { now + by };
    httpdate::fmt_http_date(at)
}
