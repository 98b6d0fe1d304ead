//! Several policies on one request, and the fields of the answer.

use std::time::{Duration, Instant};

use http::HeaderMap;
use rate_limit::{Charge, Limiter, Outcome, PolicyConfig, Refused, charge_all};

use crate::{built, limiter, named};

fn charges<'a>(limiters: &'a [Limiter], cost: u32) -> Vec<Charge<'a>> {
    limiters.iter().map(|limiter| Charge { limiter, key: named("k"), cost }).collect()
}

fn fields(outcome: &Outcome<'_>) -> String {
    let mut headers = HeaderMap::new();
    outcome.decorate(&mut headers);
    let line = |name: &str| headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
    format!("{} | {} | {}", line("ratelimit-policy"), line("ratelimit"), line("retry-after"))
}

#[test]
fn an_allowed_request_is_told_of_every_policy() {
    let limiters = [limiter("second", 10, 1), limiter("day", 1000, 86_400)];
    let outcome = charge_all(&charges(&limiters, 2), Instant::now());
    assert_eq!(outcome.refused(), None);
    assert_eq!(
        fields(&outcome),
        r#""second";q=10;w=1, "day";q=1000;w=86400 | "second";r=8;t=1, "day";r=998;t=173 | -"#
    );
}

#[test]
fn a_refusal_names_the_policy_and_when_to_come_back() {
    let limiters = [limiter("second", 10, 1), limiter("day", 10, 86_400)];
    let start = Instant::now();
    assert!(charge_all(&charges(&limiters, 10), start).refused().is_none());
    let outcome = charge_all(&charges(&limiters, 1), start + Duration::from_secs(5));
    assert_eq!(outcome.refused(), Some(Refused { policy: "day", retry_after_secs: 8635 }));
    assert_eq!(fields(&outcome), r#""second";q=10;w=1, "day";q=10;w=86400 | "day";r=0;t=8635 | 8635"#);
}

#[test]
fn of_two_refusals_the_longer_wait_counts() {
    let limiters = [limiter("second", 10, 1), limiter("day", 10, 86_400)];
    let now = Instant::now();
    assert!(charge_all(&charges(&limiters, 10), now).refused().is_none());
    let outcome = charge_all(&charges(&limiters, 1), now);
    let names: Vec<_> = outcome.refusals().map(|refused| refused.policy).collect();
    assert_eq!(names, ["second", "day"]);
    assert_eq!(outcome.refused().unwrap().policy, "day");
}

#[test]
fn a_request_that_one_policy_refuses_costs_nothing_under_the_others() {
    let limiters = [limiter("wide", 100, 60), limiter("narrow", 1, 60)];
    let now = Instant::now();
    assert!(charge_all(&charges(&limiters, 1), now).refused().is_none());
    for _ in 0..50 {
        let outcome = charge_all(&charges(&limiters, 1), now);
        assert_eq!(outcome.refused().unwrap().policy, "narrow");
        assert_eq!(outcome.standings()[0].1.remaining(), 99);
    }
}

#[test]
fn without_policies_an_answer_stays_as_it_is() {
    let mut headers = HeaderMap::new();
    headers.insert("ratelimit", "\"upstream\";r=1".parse().unwrap());
    let outcome = charge_all(&[], Instant::now());
    assert!(outcome.refused().is_none());
    outcome.decorate(&mut headers);
    assert_eq!(headers.len(), 1);
    assert_eq!(headers["ratelimit"], "\"upstream\";r=1");
}

#[test]
fn names_with_quotes_stay_one_string() {
    let limiter = built(PolicyConfig::new(r#"a";q=9, "b\"#, 5, 1));
    let outcome = charge_all(&[Charge { limiter: &limiter, key: named("k"), cost: 1 }], Instant::now());
    assert_eq!(fields(&outcome), r#""a\";q=9, \"b\\";q=5;w=1 | "a\";q=9, \"b\\";r=4;t=1 | -"#);
}

#[test]
fn the_limits_an_origin_tells_of_stay() {
    let limiter = limiter("p", 5, 1);
    let mut headers = HeaderMap::new();
    headers.append("ratelimit", "\"origin\";r=1".parse().unwrap());
    charge_all(&[Charge { limiter: &limiter, key: named("k"), cost: 1 }], Instant::now())
        .decorate(&mut headers);
    let lines: Vec<_> = headers.get_all("ratelimit").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(lines, [r#""origin";r=1"#, r#""p";r=4;t=1"#]);
}
