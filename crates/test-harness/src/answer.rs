//! What a service answered.

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use stall_detector::strict;

use crate::stalls::{nothing_blocks_in_the_background, with_stacks};
use crate::{Contract, Cost, causes, timing};

/// A response, read whole, with what it answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body; empty where there is none.
    pub body: Vec<u8>,
    /// The method that was asked with.
    pub method: String,
    /// The path that was asked for, without its query.
    pub path: String,
}

impl Answer {
    /// Sends the request and reads the response.
    ///
    /// # Panics
    /// When the request cannot be built, nobody answers it to the end, or the parts of its `Server-Timing` do not add up.
    pub async fn to(client: &Client, request: RequestBuilder) -> Self {
        let request = request.build().unwrap_or_else(|error| panic!("{error}"));
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        let response =
            client.execute(request).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_server_error()
            && let Some(cause) = headers.get("x-request-id").and_then(|id| causes::of(id.to_str().ok()?))
        {
            eprintln!("{method} {path}: {status}, for {cause}");
        }
        timing::check(&headers).unwrap_or_else(|fault| panic!("{method} {path}: {fault}"));
        let body = response.bytes().await.unwrap_or_else(|error| panic!("{method} {path}: {error}")).to_vec();
        Self { status, headers, body, method, path }
    }

    /// Whether it cost no more than its budget, where the contract has budgets, and is as documented; and whether no work in the
    /// background has blocked a thread meanwhile.
    ///
    /// # Errors
    /// As [`Contract::check_cost`] and [`Contract::check`].
    pub fn check(&self, contract: &Contract) -> Result<(), String> {
        let statements = self.counted_statements().unwrap_or_default();
        let stalls = strict::take_request(self.header("x-request-id"));
        let blocked = stalls.iter().map(|stall| stall.spent.off_cpu).max().unwrap_or_default();
        let cost = Cost { statements, bytes: self.body.len() as u64, blocked };
        contract.check_cost(&self.method, &self.path, cost).map_err(|fault| with_stacks(fault, &stalls))?;
        nothing_blocks_in_the_background()?;
        let media_type = Some(self.header("content-type")).filter(|value| !value.is_empty());
        contract.check(&self.method, &self.path, self.status.as_u16(), media_type, &self.body)
    }

    /// The body as JSON; `null` where there is none.
    ///
    /// # Panics
    /// When it is something else.
    #[must_use]
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header field, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Statements that the request ran, as `Server-Timing` says.
    ///
    /// # Panics
    /// When it does not say so.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.counted_statements().unwrap_or_else(|| panic!("no statement count in {:?}", self.timing()))
    }

    /// The same; `None` when the answer does not say so.
    fn counted_statements(&self) -> Option<u64> {
        self.timing().split("desc=\"").nth(1)?.split(' ').next()?.parse().ok()
    }

    /// Milliseconds of a part, as the first line of `Server-Timing` that has it says.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<f64> {
        let timing = self.timing();
        let metric =
            timing.split(", ").find_map(|metric| metric.strip_prefix(name)?.strip_prefix(";dur="))?;
        metric.split(';').next()?.parse().ok()
    }

    fn timing(&self) -> String {
        let lines = self.headers.get_all("server-timing").iter().filter_map(|line| line.to_str().ok());
        lines.collect::<Vec<_>>().join(", ")
    }

    /// The answer itself, if the status is this one.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{} {:?}", self.text(), self.headers);
        self
    }

    /// The pointers of the faults that this problem tells.
    ///
    /// # Panics
    /// When it is no problem, or another one.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> Vec<String> {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let json = self.json();
        assert_eq!(json.get("code").and_then(Value::as_str), Some(code), "{json}");
        let faults = json.get("errors").and_then(Value::as_array).into_iter().flatten();
        let pointers = faults.map(|fault| fault.get("pointer").and_then(Value::as_str).unwrap_or_default());
        pointers.map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, fields: &[(&'static str, &'static str)], body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: body.as_bytes().to_vec(),
            method: "GET".to_owned(),
            path: "/v1/gyms".to_owned(),
        }
    }

    #[test]
    fn statements_are_found_in_whichever_line_they_stand() {
        let timed = answer(
            200,
            &[("server-timing", "app;dur=1"), ("server-timing", "db;dur=2;desc=\"3 statements\"")],
            "",
        );
        assert_eq!(timed.statements(), 3);
        assert_eq!((timed.part("db"), timed.part("app"), timed.part("d")), (Some(2.0), Some(1.0), None));
    }

    #[test]
    #[should_panic(expected = "no statement count")]
    fn an_answer_that_counts_no_statements_does_not_pass_for_none() {
        let _ = answer(200, &[("server-timing", "app;dur=1")], "").statements();
    }

    #[test]
    fn a_problem_tells_its_faults() {
        let body =
            r#"{"code": "invalid_parameter", "errors": [{"pointer": "?limit"}, {"pointer": "?page"}]}"#;
        let problem = answer(400, &[("content-type", "application/problem+json")], body);
        assert_eq!(problem.expect_problem(400, "invalid_parameter"), ["?limit", "?page"]);
    }

    #[test]
    #[should_panic(expected = "not_found")]
    fn another_problem_of_the_same_status_is_not_taken_for_it() {
        let problem =
            answer(404, &[("content-type", "application/problem+json")], r#"{"code": "not_found"}"#);
        problem.expect_problem(404, "gone");
    }
}
