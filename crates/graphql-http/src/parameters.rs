//! The parameters of a request, from an address or from a body.

use std::fmt;

use problem::registry;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::format::check_content_type;
use crate::refusal::coded;
use crate::{Kind, Limits, Refusal};

/// Methods by which the address can be asked.
pub const METHODS: [&str; 3] = ["GET", "HEAD", "POST"];

/// Where the parameters of a request stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the query of the address: nothing may be changed.
    Query,
    /// In the body.
    Body,
}

impl Source {
    /// Where those of a request stand, by what comes before its body. The lines are those of `Content-Type`.
    ///
    /// # Errors
    /// [`Kind::MethodNotAllowed`], [`Kind::UriTooLong`], [`Kind::UnsupportedMediaType`].
    pub fn of<'a>(
        method: &str,
        query_string: &str,
        content_type: impl IntoIterator<Item = &'a [u8]>,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        match method {
            "GET" | "HEAD" => {
                let longest = limits.max_query_string_bytes;
                if query_string.len() > longest {
                    let message =
                        format!("at most {longest} bytes are read from an address; use POST for more");
                    return Err(Refusal::new(Kind::UriTooLong, message));
                }
                Ok(Self::Query)
            }
            "POST" => check_content_type(content_type).map(|()| Self::Body),
            _ => Err(Refusal::new(Kind::MethodNotAllowed, format!("ask by {}", METHODS.join(", ")))),
        }
    }
}

/// What is asked of a schema: a GraphQL-over-HTTP request whose parameters have the right types, and nothing more is known of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// The document.
    pub query: String,
    /// Which of its operations is meant.
    pub operation_name: Option<String>,
    /// Values for the variables of that operation.
    pub variables: Map<String, Value>,
    /// What implementations may add.
    pub extensions: Map<String, Value>,
}

impl Parameters {
    /// From the query of an address, as `URLSearchParams` reads it. What is not known is ignored; an optional parameter that is empty
    /// counts as absent.
    ///
    /// # Errors
    /// [`Kind::NotWellFormed`].
    pub fn from_query_string(query_string: &str) -> Result<Self, Refusal> {
        let mut found: [Option<String>; 4] = [const { None }; 4];
        for (name, value) in form_urlencoded::parse(query_string.as_bytes()) {
            let Some((slot, name)) = found.iter_mut().zip(NAMES).find(|(_, known)| *known == name) else {
                continue;
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(not_well_formed(format!("{name} stands there twice")));
            }
        }
        let [query, operation_name, variables, extensions] = found;
        let optional = |text: Option<String>| text.filter(|text| !text.is_empty());
        let map = |name, text| match optional(text) {
            None => Ok(Map::new()),
            Some(text) => match serde_json::from_str(&text) {
                Ok(value) => object(name, Some(value)),
                Err(_) => Err(not_well_formed(format!("{name} must be JSON"))),
            },
        };
        Ok(Self {
            query: query.ok_or_else(|| not_well_formed("query is missing".to_owned()))?,
            operation_name: optional(operation_name),
            variables: map("variables", variables)?,
            extensions: map("extensions", extensions)?,
        })
    }

    /// From a body of UTF-8 JSON. What is not known is ignored; an optional parameter that is null counts as absent.
    ///
    /// # Errors
    /// [`Kind::BodyTooLarge`], [`Kind::MalformedJson`], [`Kind::NotWellFormed`].
    pub fn from_json(body: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        if body.len() > limits.max_body_bytes {
            return Err(Refusal::body_too_large(limits));
        }
        let Untyped([query, operation_name, variables, extensions]) =
            serde_json::from_slice(body).map_err(|error| match error.classify() {
                Category::Data => {
                    not_well_formed("the body must be one JSON object, each name in it once".to_owned())
                }
                _ => {
                    let (line, column) = (error.line(), error.column());
                    let message = format!("the body is not JSON at line {line} column {column}");
                    let errors = vec![coded(&registry::MALFORMED_JSON, message, None)];
                    Refusal { kind: Kind::MalformedJson, errors }
                }
            })?;
        Ok(Self {
            query: text("query", query)?.ok_or_else(|| not_well_formed("query is missing".to_owned()))?,
            operation_name: text("operationName", operation_name)?.filter(|name| !name.is_empty()),
            variables: object("variables", variables)?,
            extensions: object("extensions", extensions)?,
        })
    }
}

impl Refusal {
    /// Of a body that is longer than is read; for whoever reads it, so that it need not be read to its end.
    #[must_use]
    pub fn body_too_large(limits: &Limits) -> Self {
        Self::new(Kind::BodyTooLarge, format!("at most {} bytes are read", limits.max_body_bytes))
    }
}

const NAMES: [&str; 4] = ["query", "operationName", "variables", "extensions"];

fn not_well_formed(message: String) -> Refusal {
    Refusal::new(Kind::NotWellFormed, message)
}

fn text(name: &str, value: Option<Value>) -> Result<Option<String>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(not_well_formed(format!("{name} must be a string"))),
    }
}

fn object(name: &str, value: Option<Value>) -> Result<Map<String, Value>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(not_well_formed(format!("{name} must be an object"))),
    }
}

/// The values under the names that are known, in the order of [`NAMES`].
struct Untyped([Option<Value>; 4]);

impl<'de> Deserialize<'de> for Untyped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Only an object is visited: an array, which some take for a batch, is refused.
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Untyped;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Untyped, A::Error> {
        let mut found = [const { None }; 4];
        while let Some(name) = map.next_key::<String>()? {
            match found.iter_mut().zip(NAMES).find(|(_, known)| *known == name) {
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some((slot, _)) => {
                    if slot.replace(map.next_value()?).is_some() {
                        return Err(A::Error::custom("twice"));
                    }
                }
            }
        }
        Ok(Untyped(found))
    }
}
