//! How many requests may be under way at once.

use actix_web::web;
use tokio::sync::watch;

use crate::adjustable::Adjustable;
use crate::harness::{catch_all, problem_code, upstream};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_too_many_is_refused_at_once_and_may_come_again() {
    let (release, released) = watch::channel(false);
    let (arrive, mut arrived) = watch::channel(false);
    let service = upstream(move |app| {
        let (arrive, released) = (arrive.clone(), released.clone());
        app.default_service(web::to(move || {
            let (arrive, mut released) = (arrive.clone(), released.clone());
            async move {
                arrive.send_replace(true);
                released.wait_for(|released| *released).await.unwrap();
                "done"
            }
        }));
    });
    let limits = "[limits]\nmax_concurrent_requests = 1\nretry_after_secs = 7\n";
    let gateway = Adjustable::start(&format!("{limits}{}", catch_all(service.addr, "")));
    let first = tokio::spawn(gateway.get("/first").send());
    arrived.wait_for(|arrived| *arrived).await.unwrap();
    for _ in 0..2 {
        let refused = gateway.get("/second").send().await.unwrap();
        assert_eq!(refused.headers()["retry-after"], "7");
        assert_eq!(problem_code(refused).await, (503, "overloaded".to_owned()));
    }
    release.send_replace(true);
    assert_eq!(first.await.unwrap().unwrap().text().await.unwrap(), "done");
    test_harness::wait_until("the place to be free", crate::harness::PATIENCE, async || {
        gateway.get("/third").send().await.unwrap().status() == 200
    })
    .await;
}
