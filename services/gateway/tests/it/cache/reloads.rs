//! What is kept, and configurations that come and go.

use actix_web::{HttpResponse, web};

use crate::adjustable::Adjustable;
use crate::harness::{Upstream, upstream};

/// A service that says its name, and that everybody may keep it.
fn named(name: &'static str) -> Upstream {
    upstream(move |app| {
        app.default_service(web::to(move || async move {
            HttpResponse::Ok().insert_header(("cache-control", "public, max-age=600")).body(name)
        }));
    })
}

fn config(services: [&Upstream; 2], route_to: &str) -> String {
    format!(
        "[cache]\n[upstream.one]\nurl = \"http://{}\"\n[upstream.two]\nurl = \"http://{}\"\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"{route_to}\"\nauth = \"none\"\n",
        services[0].addr, services[1].addr
    )
}

async fn get(gateway: &Adjustable) -> (String, bool) {
    let answer = gateway.get("/a").send().await.unwrap();
    let status = answer.headers()["cache-status"].to_str().unwrap().to_owned();
    (answer.text().await.unwrap(), status.contains("; hit"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_outlives_a_reload_that_does_not_concern_it() {
    let (one, two) = (named("one"), named("two"));
    let gateway = Adjustable::start(&config([&one, &two], "one"));
    assert_eq!(get(&gateway).await, ("one".to_owned(), false));
    gateway.reload(&config([&one, &two], "one"));
    assert_eq!(get(&gateway).await, ("one".to_owned(), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_moves_to_another_upstream_takes_no_answers_along() {
    let (one, two) = (named("one"), named("two"));
    let gateway = Adjustable::start(&config([&one, &two], "one"));
    assert_eq!(get(&gateway).await, ("one".to_owned(), false));
    gateway.reload(&config([&one, &two], "two"));
    test_harness::wait_until("the new configuration", crate::harness::PATIENCE, async || {
        get(&gateway).await.0 == "two"
    })
    .await;
}
