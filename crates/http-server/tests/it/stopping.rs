//! How a server ends.

use std::time::Duration;

use actix_web::web;
use http_server::{HttpConfig, ServerError};
use tokio::sync::watch;

use crate::support::{lines, serve, shell};

#[tokio::test]
async fn on_sigterm_requests_in_flight_are_answered_and_no_new_ones_taken() {
    let (open, gate) = watch::channel(false);
    let served = serve(move |app| {
        let gate = gate.clone();
        app.service(web::resource("/wait").route(web::get().to(move || {
            let mut gate = gate.clone();
            async move {
                tracing::info!(target: "test", "waiting");
                gate.wait_for(|open| *open).await.unwrap();
                "answered"
            }
        })));
    });
    let addr = served.running.addr;
    let url = served.url("/wait");
    let idle = served.client.clone();
    assert_eq!(served.get("/livez").await.status(), 200);
    let waiting = tokio::spawn(async move {
        idle.get(url).header("x-request-id", "drain-1").send().await.unwrap().text().await.unwrap()
    });
    lines("test", "drain-1").await;
    let stopped = tokio::spawn(served.running.until_stopped());
    let pid = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    tokio::time::timeout(Duration::from_secs(5), async {
        while tokio::net::TcpStream::connect(addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the listener closes");
    assert!(!stopped.is_finished());
    open.send_replace(true);
    assert_eq!(waiting.await.unwrap(), "answered");
    tokio::time::timeout(Duration::from_secs(5), stopped).await.expect("drained").unwrap().unwrap();
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_a_stop() {
    let served = serve(|_| {});
    assert_eq!(served.get("/livez").await.status(), 200);
    let stop = async { served.running.handle().stop(true).await };
    tokio::time::timeout(Duration::from_secs(5), stop).await.expect("stopped");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let served = serve(|_| {});
    let mut second = shell(vec![]);
    second.config = HttpConfig { bind: served.running.addr.to_string(), ..HttpConfig::default() };
    let Err(error) = second.start(|_| {}) else { panic!("two servers on one port") };
    assert!(matches!(&error, ServerError::Bind { .. }));
    assert_eq!(error.to_string(), format!("cannot listen on {}", served.running.addr));
}
