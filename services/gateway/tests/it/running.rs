//! The process as a whole: its two ports, traces, and its end.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use test_harness::wait_until;
use tokio::sync::watch;

use crate::harness::{PATIENCE, binary, catch_all, gateway_to, upstream};

#[tokio::test(flavor = "multi_thread")]
async fn the_private_port_has_what_the_public_one_hides() {
    let service = upstream(|app| {
        app.default_service(web::to(async || HttpResponse::ImATeapot().body("from the service")));
    });
    let gateway = gateway_to(service.addr, "");
    for path in ["/metrics", "/livez", "/readyz", "/version"] {
        let private = gateway.http.get(format!("http://{}{path}", gateway.admin)).send().await.unwrap();
        assert_eq!(private.status(), 200, "{path}");
        assert_eq!(gateway.get(path).send().await.unwrap().status(), 418, "{path}");
    }
    assert_eq!(gateway.http.get(format!("http://{}/v1", gateway.admin)).send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_ends_well_when_the_gateway_stops() {
    let (release, released) = watch::channel(false);
    let (arrive, mut arrived) = watch::channel(false);
    let service = upstream(move |app| {
        let (arrive, released) = (arrive.clone(), released.clone());
        app.default_service(web::to(move || {
            let (arrive, mut released) = (arrive.clone(), released.clone());
            async move {
                arrive.send_replace(true);
                released.wait_for(|released| *released).await.unwrap();
                "finished"
            }
        }));
    });
    let mut gateway = binary(&catch_all(service.addr, ""), &[]).await;
    let in_flight = tokio::spawn(reqwest::get(gateway.base.clone()));
    arrived.wait_for(|arrived| *arrived).await.unwrap();

    let pid = nix_pid(gateway.process.id());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let probe = format!("{}/readyz", gateway.admin);
    wait_until("readiness to fail", PATIENCE, async || {
        reqwest::get(&probe).await.map_or(true, |answer| answer.status() == 503)
    })
    .await;
    wait_until("no new connections", PATIENCE, async || reqwest::get(&gateway.base).await.is_err()).await;
    release.send_replace(true);
    assert_eq!(in_flight.await.unwrap().unwrap().text().await.unwrap(), "finished");
    assert!(gateway.process.wait(Duration::from_secs(20)).await.success());
}

fn nix_pid(id: u32) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(i32::try_from(id).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_goes_on_with_the_gateways_own_span_as_parent() {
    let service = upstream(|app| {
        app.default_service(web::to(async |request: HttpRequest| {
            let get = |name: &str| {
                request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
            };
            format!("{}|{}|{}", get("traceparent"), get("tracestate"), get("baggage"))
        }));
    });
    let gateway = binary(&catch_all(service.addr, ""), &[]).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let seen = http
        .get(&gateway.base)
        .header("traceparent", parent)
        .header("tracestate", "vendor=1,other=2")
        .header("baggage", "k=v")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let (passed, rest) = seen.split_once('|').unwrap();
    assert!(passed.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && passed.ends_with("-01"), "{seen}");
    assert_ne!(passed, parent);
    assert_eq!(rest, "vendor=1,other=2|k=v");
    let fresh = http.get(&gateway.base).send().await.unwrap().text().await.unwrap();
    assert_eq!(fresh.split('|').next().unwrap().len(), parent.len(), "{fresh}");
}
