//! A gateway of messages that is told by HTTP, with the faults that gateways have.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, mpsc};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use chrono::TimeDelta;
use serde_json::{Value as Json, json};

use super::{customer, instant, one, stored, wait_for, waiting};
use crate::harness::Harness;

/// Status and `Retry-After`.
type Told = (u16, Option<&'static str>);

/// A gateway that answers as it is told to, and takes each message once, by its key.
#[derive(Clone, Default)]
struct Gateway {
    /// The next answers. When there are none, it serves.
    answers: Arc<Mutex<VecDeque<Told>>>,
    /// Keys of all requests, in order.
    asked: Arc<Mutex<Vec<String>>>,
    /// What it has taken, by key.
    taken: Arc<Mutex<HashMap<String, Json>>>,
}

impl Gateway {
    /// Starts one; says its address.
    fn start(answers: &[Told]) -> (Self, String) {
        let gateway = Self::default();
        gateway.answers.lock().unwrap().extend(answers.iter().copied());
        let (tell, told) = mpsc::channel();
        let shared = gateway.clone();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let made = move || {
                    App::new().app_data(web::Data::new(shared.clone())).route("/send", web::post().to(send))
                };
                let server = HttpServer::new(made).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
                tell.send(format!("http://{}/send", server.addrs()[0])).unwrap();
                server.run().await.unwrap();
            });
        });
        (gateway, told.recv().unwrap())
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn send(gateway: web::Data<Gateway>, request: HttpRequest, body: web::Json<Json>) -> HttpResponse {
    let key = request.headers().get("idempotency-key").unwrap().to_str().unwrap().to_owned();
    gateway.asked.lock().unwrap().push(key.clone());
    // It takes the message even where its answer says something else: nobody can know.
    let told = gateway.answers.lock().unwrap().pop_front();
    if told.is_none_or(|(status, _)| status >= 500) {
        gateway.taken.lock().unwrap().insert(key.clone(), body.into_inner());
    }
    match told {
        None => HttpResponse::Ok().json(json!({"id": format!("gw-{key}"), "cost_minor": 12000})),
        Some((status, retry_after)) => {
            let mut answer = HttpResponse::build(status.try_into().unwrap());
            if let Some(pause) = retry_after {
                answer.insert_header(("Retry-After", pause));
            }
            answer.finish()
        }
    }
}

fn settings(url: &str) -> String {
    format!("[messages]\nsender = \"webhook\"\nwebhook_url = \"{url}\"\nretry_secs = 60")
}

const STATUS: &str = "SELECT concat_ws(' ', status, attempts, error_code) FROM notification";
const PAUSE: &str = "SELECT extract(epoch FROM next_attempt_at - created_at)::int FROM notification";

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_failed_and_then_serves_has_one_message() {
    let (gateway, url) = Gateway::start(&[(500, None)]);
    let harness = Harness::with(&settings(&url)).await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 20, "es", &["sms"]).await;
    let package = stored(&mut conn, ana, harness.clock.now()).await;
    let id = waiting(&mut conn, package, ana, "announced", "sms", harness.clock.now()).await;
    wait_for(&mut conn, STATUS, "pending 1 gateway_failed").await;
    assert_eq!(one(&mut conn, PAUSE).await, "60");
    harness.clock.advance(TimeDelta::seconds(60));
    wait_for(&mut conn, STATUS, "sent 2").await;
    assert_eq!(*gateway.asked.lock().unwrap(), [id.to_string(), id.to_string()]);
    let taken = gateway.taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 1);
    let message = &taken[&id.to_string()];
    assert_eq!((&message["recipient"], &message["channel"]), (&json!(ana.phone()), &json!("sms")));
    assert!(message["text"].as_str().unwrap().starts_with("Hola Ana Pérez: anotamos su paquete 9912345678"));
    let known = "SELECT concat_ws(' ', provider_id, cost_minor) FROM notification";
    assert_eq!(one(&mut conn, known).await, format!("gw-{id} 12000"));
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_three_attempts_with_doubled_pauses_a_message_has_failed() {
    let (gateway, url) = Gateway::start(&[(503, None), (502, None), (500, None)]);
    let harness = Harness::with(&settings(&url)).await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 21, "es", &["sms"]).await;
    let package = stored(&mut conn, ana, harness.clock.now()).await;
    waiting(&mut conn, package, ana, "ready", "sms", harness.clock.now()).await;
    wait_for(&mut conn, STATUS, "pending 1 gateway_failed").await;
    harness.clock.advance(TimeDelta::seconds(60));
    // It is `pending 2 gateway_failed` while the second attempt is under way, too. 120 after that attempt.
    wait_for(&mut conn, PAUSE, "180").await;
    assert_eq!(one(&mut conn, STATUS).await, "pending 2 gateway_failed");
    harness.clock.advance(TimeDelta::seconds(120));
    wait_for(&mut conn, STATUS, "failed 3 gateway_failed").await;
    harness.clock.advance(TimeDelta::hours(1));
    harness.wait_for_metric("notifications_pending{service=\"package-ledger\"} 0").await;
    assert_eq!(gateway.asked(), 3);
    assert_eq!(one(&mut conn, "SELECT status FROM package").await, "stored", "nobody was told");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_left_alone_for_as_long_as_it_asks_and_what_it_refuses_is_not_tried_again() {
    let (gateway, url) = Gateway::start(&[(429, Some("600")), (422, None)]);
    let harness = Harness::with(&settings(&url)).await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 22, "es", &["sms"]).await;
    let package = stored(&mut conn, ana, harness.clock.now()).await;
    waiting(&mut conn, package, ana, "announced", "whatsapp", harness.clock.now()).await;
    wait_for(&mut conn, STATUS, "pending 1 gateway_busy").await;
    assert_eq!(one(&mut conn, PAUSE).await, "600");
    harness.clock.advance(TimeDelta::seconds(600));
    wait_for(&mut conn, STATUS, "failed 2 gateway_refused").await;
    assert!(gateway.taken.lock().unwrap().is_empty());
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_hand_each_message_over_once() {
    let (gateway, url) = Gateway::start(&[]);
    let harness = Harness::with(&settings(&url)).await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let other = harness.replica(&settings(&url)).await;
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 23, "es", &["sms"]).await;
    let package = stored(&mut conn, ana, harness.clock.now()).await;
    for _ in 0..60 {
        waiting(&mut conn, package, ana, "announced", "sms", harness.clock.now()).await;
    }
    wait_for(&mut conn, "SELECT count(*) FROM notification WHERE status = 'sent'", "60").await;
    assert_eq!((gateway.asked(), gateway.taken.lock().unwrap().len()), (60, 60));
    other.stop().await;
    harness.stop().await;
}
