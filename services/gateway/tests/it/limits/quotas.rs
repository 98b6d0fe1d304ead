//! `[[rate_limit]]`: who is counted, what a request costs, and what the client is told.
//!
//! The windows are hours long: no unit comes back while a test runs.

use actix_web::web;
use reqwest::Response;
use test_harness::TestIssuer;

use crate::adjustable::{Adjustable, identity};
use crate::harness::{problem_code, upstream};

/// A policy of three units that come back in an hour.
fn policy(name: &str, partition: &str) -> String {
    format!("[[rate_limit]]\nname = {name:?}\nquota = 3\nwindow_secs = 3600\npartition = {partition:?}\n")
}

fn route(name: &str, auth: &str, more: &str) -> String {
    format!("[[route]]\nname = {name:?}\npath = \"/{name}\"\nupstream = \"u\"\nauth = {auth:?}\n{more}\n")
}

/// An upstream that answers everything, and the section for it.
fn service() -> String {
    let service = upstream(|app| {
        app.default_service(web::to(async || "served"));
    });
    format!("[upstream.u]\nurl = \"http://{}\"\n", service.addr)
}

/// The units that are left under each policy, in the order they are told, with the seconds.
fn standing(answer: &Response) -> Vec<(String, u32, u64)> {
    let lines = answer.headers().get_all("ratelimit").iter().map(|line| line.to_str().unwrap());
    let items = lines.flat_map(|line| line.split(", "));
    items
        .map(|item| {
            let parts: Vec<&str> = item.split(';').collect();
            let name = parts[0].trim_matches('"').to_owned();
            let number = |part: &str, key: &str| part.strip_prefix(key).unwrap().parse::<u64>().unwrap();
            (name, u32::try_from(number(parts[1], "r=")).unwrap(), number(parts[2], "t="))
        })
        .collect()
}

/// Name and units left of each policy.
fn left(answer: &Response) -> Vec<(String, u32)> {
    standing(answer).into_iter().map(|(name, left, _)| (name, left)).collect()
}

fn one(name: &str, left: u32) -> Vec<(String, u32)> {
    vec![(name.to_owned(), left)]
}

fn header<'a>(answer: &'a Response, name: &str) -> Vec<&'a str> {
    answer.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_how_it_stands_until_it_is_refused() {
    let text = service() + &policy("all", "address") + &route("a", "none", "rate_limits = [\"all\"]");
    let gateway = Adjustable::start(&text);
    for units in [2, 1, 0] {
        let answer = gateway.get("/a").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "ratelimit-policy"), ["\"all\";q=3;w=3600"]);
        assert_eq!(left(&answer), one("all", units));
        let seconds = standing(&answer)[0].2;
        let spent = u64::from(3 - units) * 1200;
        assert!((spent - 20..=spent).contains(&seconds), "all comes back in {seconds} s");
        assert_eq!(header(&answer, "retry-after"), Vec::<&str>::new());
    }
    let refused = gateway.get("/a").send().await.unwrap();
    assert_eq!(header(&refused, "ratelimit-policy"), ["\"all\";q=3;w=3600"]);
    assert_eq!(left(&refused), one("all", 0));
    let retry_after = header(&refused, "retry-after");
    assert_eq!(retry_after, [standing(&refused)[0].2.to_string()], "said once, and the same in both fields");
    assert!((1180..=1200).contains(&retry_after[0].parse::<u64>().unwrap()));
    let body: serde_json::Value = refused.json().await.unwrap();
    assert!(body["detail"].as_str().unwrap().contains("`all`"), "{body}");
    let again = gateway.get("/a").send().await.unwrap();
    assert_eq!(problem_code(again).await, (429, "too_many_requests".to_owned()));
    assert_eq!(gateway.metric("gateway_rejections_total{reason=\"too_many_requests\"}").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_problem_of_a_refusal_has_a_page() {
    let text =
        service() + &policy("all", "address") + &route("a", "none", "rate_limits = [\"all\"]\ncost = 3");
    let gateway = Adjustable::start(&text);
    gateway.get("/a").send().await.unwrap();
    let refused: serde_json::Value = gateway.get("/a").send().await.unwrap().json().await.unwrap();
    let page = gateway.get(refused["type"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Retry-After"));
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_share_a_quota_and_cost_what_they_say() {
    let text = service()
        + "[[rate_limit]]\nname = \"all\"\nquota = 10\nwindow_secs = 36000\npartition = \"address\"\n"
        + &route("cheap", "none", "rate_limits = [\"all\"]")
        + &route("dear", "none", "rate_limits = [\"all\"]\ncost = 4")
        + &route("free", "none", "");
    let gateway = Adjustable::start(&text);
    for (path, status, expected) in [
        ("/dear", 200, 6),
        ("/cheap", 200, 5),
        ("/dear", 200, 1),
        ("/dear", 429, 1),
        ("/cheap", 200, 0),
        ("/cheap", 429, 0),
    ] {
        let answer = gateway.get(path).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), left(&answer)), (status, one("all", expected)), "{path}");
    }
    let free = gateway.get("/free").send().await.unwrap();
    assert_eq!(free.status(), 200);
    assert!(standing(&free).is_empty() && header(&free, "ratelimit-policy").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn principals_are_counted_apart_and_nobody_else_is() {
    let issuer = TestIssuer::start();
    let text = identity(&issuer)
        + &service()
        + &policy("user", "principal")
        + &route("a", "optional", "rate_limits = [\"user\"]");
    let gateway = Adjustable::start(&text);
    let (mara, noor) = (issuer.token("mara", &[]), issuer.token("noor", &[]));
    for units in [2, 1, 0] {
        let answer = gateway.get("/a").bearer_auth(&mara).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), left(&answer)), (200, one("user", units)));
    }
    assert_eq!(gateway.get("/a").bearer_auth(&mara).send().await.unwrap().status(), 429);
    // Another token of hers is hers.
    let another = issuer.token("mara", &["admin"]);
    assert_eq!(gateway.get("/a").bearer_auth(&another).send().await.unwrap().status(), 429);
    let other = gateway.get("/a").bearer_auth(&noor).send().await.unwrap();
    assert_eq!((other.status().as_u16(), left(&other)), (200, one("user", 2)));
    for _ in 0..5 {
        let anonymous = gateway.get("/a").send().await.unwrap();
        assert_eq!(anonymous.status(), 200);
        assert!(standing(&anonymous).is_empty(), "a principal's quota says nothing to those who are none");
        let wrong = gateway.get("/a").bearer_auth("wrong").send().await.unwrap();
        assert_eq!((wrong.status().as_u16(), standing(&wrong).len()), (401, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_principal_is_counted_by_address() {
    let issuer = TestIssuer::start();
    let text = identity(&issuer)
        + &service()
        + &policy("either", "principal_or_address")
        + &route("a", "optional", "rate_limits = [\"either\"]");
    let gateway = Adjustable::start(&text);
    for expected in [200, 200, 200, 429] {
        assert_eq!(gateway.get("/a").send().await.unwrap().status(), expected);
    }
    let token = issuer.token("mara", &[]);
    for expected in [200, 200, 200, 429] {
        let answer = gateway.get("/a").bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), expected, "from the same address");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_tokens_is_counted_by_address() {
    let issuer = TestIssuer::start();
    let text = identity(&issuer)
        + &service()
        + &policy("door", "address")
        + &route("a", "required", "rate_limits = [\"door\"]");
    let gateway = Adjustable::start(&text);
    let expired = issuer.expired_token("mara", &[]);
    for (token, units) in [("guess", 2), (expired.as_str(), 1)] {
        let answer = gateway.get("/a").bearer_auth(token).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), left(&answer)), (401, one("door", units)));
    }
    let missing = gateway.get("/a").send().await.unwrap();
    assert_eq!((missing.status().as_u16(), left(&missing)), (401, one("door", 0)));
    // Whether the next one would have been right is not told any more.
    for token in ["guess", issuer.token("mara", &[]).as_str()] {
        assert_eq!(gateway.get("/a").bearer_auth(token).send().await.unwrap().status(), 429);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_used_up_policy_of_two_refuses_and_costs_the_other_nothing() {
    let issuer = TestIssuer::start();
    let text = identity(&issuer)
        + &service()
        + "[[rate_limit]]\nname = \"day\"\nquota = 100\nwindow_secs = 86400\npartition = \"principal\"\n"
        + &policy("hour", "principal")
        + &route("a", "required", "rate_limits = [\"hour\", \"day\"]")
        + &route("b", "required", "rate_limits = [\"day\"]");
    let gateway = Adjustable::start(&text);
    let token = issuer.token("mara", &[]);
    let get = async |path: &str| gateway.get(path).bearer_auth(&token).send().await.unwrap();
    for units in [2, 1, 0] {
        let answer = get("/a").await;
        assert_eq!(
            header(&answer, "ratelimit-policy"),
            ["\"hour\";q=3;w=3600, \"day\";q=100;w=86400"],
            "both in one field"
        );
        assert_eq!(left(&answer), [one("hour", units), one("day", 97 + units)].concat());
    }
    for _ in 0..3 {
        let refused = get("/a").await;
        assert_eq!((refused.status().as_u16(), left(&refused)), (429, one("hour", 0)));
        assert_eq!(header(&refused, "retry-after").len(), 1);
    }
    let answer = get("/b").await;
    assert_eq!((answer.status().as_u16(), left(&answer)), (200, one("day", 96)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_and_a_principal_may_both_be_counted() {
    let issuer = TestIssuer::start();
    let text = identity(&issuer)
        + &service()
        + "[[rate_limit]]\nname = \"net\"\nquota = 5\nwindow_secs = 3600\npartition = \"address\"\n"
        + &policy("user", "principal")
        + &route("a", "required", "rate_limits = [\"user\", \"net\"]");
    let gateway = Adjustable::start(&text);
    let (mara, noor) = (issuer.token("mara", &[]), issuer.token("noor", &[]));
    for (token, user, net) in [(&mara, 2, 4), (&mara, 1, 3), (&noor, 2, 2)] {
        let answer = gateway.get("/a").bearer_auth(token).send().await.unwrap();
        let mut found = left(&answer);
        found.sort();
        assert_eq!(found, [one("net", net), one("user", user)].concat());
        let mut policies: Vec<&str> =
            header(&answer, "ratelimit-policy").into_iter().flat_map(|line| line.split(", ")).collect();
        policies.sort_unstable();
        assert_eq!(policies, ["\"net\";q=5;w=3600", "\"user\";q=3;w=3600"]);
    }
    let get = async |token: &str| gateway.get("/a").bearer_auth(token).send().await.unwrap();
    assert_eq!(get(&mara).await.status(), 200);
    for (token, refusing) in [(&mara, "user"), (&noor, "net")] {
        let refused = get(token).await;
        // Of a policy that would have let it in nothing is said: its `t` may lie beyond Retry-After.
        assert_eq!((refused.status().as_u16(), left(&refused)), (429, one(refusing, 0)));
        assert_eq!(header(&refused, "retry-after"), [standing(&refused)[0].2.to_string()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_upstream_says_of_its_own_limits_stays() {
    let service = upstream(|app| {
        app.default_service(web::to(async || {
            actix_web::HttpResponse::Ok()
                .insert_header(("ratelimit-policy", "\"inner\";q=7;w=60"))
                .insert_header(("ratelimit", "\"inner\";r=6;t=60"))
                .finish()
        }));
    });
    let text = format!("[upstream.u]\nurl = \"http://{}\"\n", service.addr)
        + &policy("all", "address")
        + &route("a", "none", "rate_limits = [\"all\"]");
    let gateway = Adjustable::start(&text);
    let answer = gateway.get("/a").send().await.unwrap();
    assert_eq!(left(&answer), [one("inner", 6), one("all", 2)].concat());
    assert_eq!(header(&answer, "ratelimit-policy").join(", "), "\"inner\";q=7;w=60, \"all\";q=3;w=3600");
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_outlive_a_reload_of_the_same_policy_and_no_other() {
    let service = service();
    let limited = |name: &str| route(name, "none", "rate_limits = [\"all\"]");
    let before = service.clone() + &policy("all", "address") + &limited("a");
    let gateway = Adjustable::start(&before);
    let spent = gateway.get("/a").send().await.unwrap();
    assert_eq!(left(&spent), one("all", 2));
    // Another policy before it and another route; this one as it was.
    let after = service.clone()
        + &policy("new", "principal")
        + &policy("all", "address")
        + &limited("a")
        + &limited("b");
    gateway.reload(&after);
    assert_eq!(left(&gateway.get("/b").send().await.unwrap()), one("all", 1), "the new route is there");
    assert_eq!(left(&gateway.get("/a").send().await.unwrap()), one("all", 0));
    assert_eq!(gateway.get("/a").send().await.unwrap().status(), 429);
    // What means something else is counted anew.
    gateway.reload(&after.replace(
        "quota = 3\nwindow_secs = 3600\npartition = \"address\"",
        "quota = 4\nwindow_secs = 4800\npartition = \"address\"",
    ));
    assert_eq!(left(&gateway.get("/a").send().await.unwrap()), one("all", 3));
}
