//! Operations and their parameters.

use serde_json::{Map, Value as Json, json};

/// An operation of a path.
#[derive(Clone, Debug)]
pub struct Operation(Map<String, Json>);

impl Operation {
    /// With its id, tag and what it does. It needs a token.
    pub fn new(id: &str, tag: &str, summary: &str) -> Self {
        let mut members = Map::new();
        members.insert("operationId".to_owned(), json!(id));
        members.insert("summary".to_owned(), json!(summary));
        members.insert("tags".to_owned(), json!([tag]));
        members.insert("responses".to_owned(), json!({}));
        Self(members)
    }

    /// A longer word on it.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.0.insert("description".to_owned(), json!(text));
        self
    }

    /// Anybody may ask, with or without a token.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.0.insert("security".to_owned(), json!([]));
        self
    }

    /// A token counts for something, but there are other ways in.
    #[must_use]
    pub fn token_or_link(mut self) -> Self {
        self.0.insert("security".to_owned(), json!([{}, {"bearer": []}]));
        self
    }

    /// What it reads beside its path.
    #[must_use]
    pub fn parameters(mut self, parameters: Vec<Json>) -> Self {
        self.0.insert("parameters".to_owned(), Json::Array(parameters));
        self
    }

    /// The body it reads.
    #[must_use]
    pub fn body(mut self, required: bool, content: Json) -> Self {
        self.0.insert("requestBody".to_owned(), json!({"required": required, "content": content}));
        self
    }

    /// An answer with a body.
    #[must_use]
    pub fn answer(self, status: &str, description: &str, content: Json) -> Self {
        self.response(status, json!({"description": description, "content": content}))
    }

    /// An answer without one.
    #[must_use]
    pub fn empty(self, status: &str, description: &str) -> Self {
        self.response(status, json!({"description": description}))
    }

    /// The problems it may answer with, beside those that everything may: 500 and 503.
    #[must_use]
    pub fn problems(mut self, statuses: &[&str]) -> Self {
        for status in statuses.iter().chain(&["500", "503"]) {
            self = self.response(status, problem());
        }
        self
    }

    fn response(mut self, status: &str, response: Json) -> Self {
        if let Some(Json::Object(responses)) = self.0.get_mut("responses") {
            responses.insert(status.to_owned(), response);
        }
        self
    }

    /// As it stands in the document.
    pub fn into_json(self) -> Json {
        Json::Object(self.0)
    }
}

fn problem() -> Json {
    json!({
        "description": "A problem; `code` says which.",
        "content": {"application/problem+json": {"schema": schema("Problem")}},
    })
}

/// A reference to a schema.
pub fn schema(name: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A body of JSON of this schema.
pub fn content(name: &str) -> Json {
    json!({"application/json": {"schema": schema(name)}})
}

/// A parameter of the query.
pub fn query(name: &str, schema: Json, description: &str) -> Json {
    json!({"name": name, "in": "query", "schema": schema, "description": description})
}

/// A field of the header.
pub fn header(name: &str, required: bool, description: &str) -> Json {
    json!({
        "name": name, "in": "header", "required": required, "schema": {"type": "string"},
        "description": description,
    })
}

/// A variable of the path.
pub fn variable(name: &str, schema: Json, description: &str) -> Json {
    json!({"name": name, "in": "path", "required": true, "schema": schema, "description": description})
}

/// The id in a path.
pub fn id() -> Json {
    variable("id", json!({"type": "string", "format": "uuid"}), "Its id.")
}

/// `Idempotency-Key`.
pub fn idempotency_key() -> Json {
    header(
        "Idempotency-Key",
        false,
        "Makes a retry safe: the same key is answered with the same answer for 24 hours.",
    )
}

/// `If-Match`, with the tag of this.
pub fn if_match(what: &str) -> Json {
    header("If-Match", true, &format!("Entity tag of the {what} as it was read; `*` for any."))
}
