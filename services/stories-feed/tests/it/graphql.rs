//! `/graphql`: the same answers as over REST, from the same copies, as GraphQL over HTTP wants them.

mod caching;
mod costs;
mod equality;
mod errors;
mod expiry;
mod http;

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::harness::{Answer, Harness};

const GRAPHQL: &str = "application/graphql-response+json";

/// All fields of a story that REST has in a feed.
const STORY: &str = "id type caption privacy workout { exercise value unit sets reps } \
    media { kind width height durationMs blurhash thumbhash dominantColor \
      renditions { name format contentType url bytes width height } } \
    displaySecs canReply canReact isPinned publishedAt expiresAt hasViewed reaction reactions { emoji count }";

impl Harness {
    /// What the server makes of a request of GraphQL.
    async fn graphql(&self, request: RequestBuilder) -> Answer {
        self.send(request).await
    }

    /// A request by POST.
    fn asking(&self, person: Uuid, query: &str, variables: &Json) -> RequestBuilder {
        let body = json!({"query": query, "variables": variables});
        self.request(Method::POST, "/graphql", Some(&self.token(person)))
            .header("Accept", GRAPHQL)
            .json(&body)
    }

    /// The same by GET.
    fn getting(&self, person: Uuid, query: &str, variables: &Json) -> RequestBuilder {
        let parameters = [("query", query.to_owned()), ("variables", variables.to_string())];
        self.request(Method::GET, "/graphql", Some(&self.token(person)))
            .header("Accept", GRAPHQL)
            .query(&parameters)
    }

    /// The data of a request that goes well.
    async fn data(&self, person: Uuid, query: &str, variables: &Json) -> Json {
        let answer = self.graphql(self.asking(person, query, variables)).await.expect(200);
        let mut body = answer.json();
        assert_eq!(body.get("errors"), None, "{body}");
        body["data"].take()
    }
}

/// The code of the first error.
fn code(answer: &Answer) -> String {
    let body = answer.json();
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// What GraphQL says in the words of REST: names in snake case, counts by emoji, no nulls, and all numbers of one kind.
fn in_words_of_rest(value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            let mut words = Map::new();
            for (name, value) in members {
                let name = snake_case(name);
                let value = match (name.as_str(), value) {
                    ("reactions", Json::Array(counts)) => {
                        let pairs = counts.iter().map(|one| {
                            (one["emoji"].as_str().unwrap().to_owned(), in_words_of_rest(&one["count"]))
                        });
                        Json::Object(pairs.collect())
                    }
                    (_, value) => in_words_of_rest(value),
                };
                if !value.is_null() {
                    words.insert(name, value);
                }
            }
            Json::Object(words)
        }
        Json::Array(items) => items.iter().map(in_words_of_rest).collect(),
        Json::Number(number) => json!(number.as_f64().unwrap()),
        other => other.clone(),
    }
}

fn snake_case(name: &str) -> String {
    let parts = name.chars().map(|letter| match letter.is_ascii_uppercase() {
        true => format!("_{}", letter.to_ascii_lowercase()),
        false => letter.to_string(),
    });
    parts.collect()
}
