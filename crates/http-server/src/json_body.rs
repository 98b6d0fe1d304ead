//! JSON bodies whose faults are named by place: a JSON pointer and the rule that was broken.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use problem::{Problem, registry};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

/// A body of `application/json` (or any `+json`), read to at most `max_body_bytes`. Refuses with the problem of
/// [`parse_json`], `unsupported_media_type`, `payload_too_large` or `malformed_request`.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if !is_json {
                return Err(crate::refusal::not_json());
            }
            let bytes = bytes.await.map_err(|error| match error.as_error::<PayloadError>() {
                Some(PayloadError::Overflow) => Problem::new(&registry::PAYLOAD_TOO_LARGE),
                _ => Problem::new(&registry::MALFORMED_REQUEST)
                    .detail("the body ended early or could not be decoded")
                    .cause(error.to_string()),
            })?;
            parse_json(&bytes).map(Self)
        })
    }
}

/// Reads a value from JSON, for handlers that need the bytes as well.
///
/// # Errors
///
/// `malformed_json` when it is not JSON; `validation_failed` with the pointer of the first fault when it is JSON of
/// another form.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = pointer(error.path());
        refusal(error.inner(), path)
    })?;
    json.end().map_err(|error| refusal(&error, String::new()))?;
    Ok(value)
}

/// The problem for an error of serde at a place.
pub(crate) fn refusal(error: &serde_json::Error, mut pointer: String) -> Problem {
    if !error.is_data() {
        return Problem::new(&registry::MALFORMED_JSON).detail(error.to_string());
    }
    let text = error.to_string();
    // The line and column of a data error say less than the pointer does.
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let (code, names_member) = rule(reason);
    let member = reason.split('`').nth(1).unwrap_or_default();
    if names_member && !pointer.ends_with(&format!("/{}", escaped(member))) {
        pointer.push('/');
        pointer.push_str(&escaped(member));
    }
    Problem::new(&registry::VALIDATION_FAILED)
        .detail("the body does not have the form this operation reads")
        .field(pointer, code, reason)
}

/// The rule serde saw broken, and whether its text names the member, which the path then does not reach.
fn rule(reason: &str) -> (&'static str, bool) {
    const RULES: [(&str, &str, bool); 7] = [
        ("missing field", "required", true),
        ("unknown field", "unknown_field", true),
        ("duplicate field", "duplicate_field", true),
        ("unknown variant", "unknown_value", false),
        ("invalid type", "wrong_type", false),
        ("invalid length", "wrong_length", false),
        ("invalid value", "invalid_value", false),
    ];
    let known = RULES.iter().find(|(prefix, ..)| reason.starts_with(prefix));
    known.map_or(("invalid", false), |(_, code, names_member)| (*code, *names_member))
}

/// RFC 6901. Variants of enums are not places in the document.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escaped(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

fn escaped(member: &str) -> String {
    member.replace('~', "~0").replace('/', "~1")
}

fn is_json(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence =
        content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::parse_json;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Herd {
        #[serde(rename = "a/b")]
        _name: String,
        animals: Vec<Animal>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Animal {
        age: u8,
        sex: Option<Sex>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Sex {
        Female,
    }

    fn fault(json: &str) -> (String, String, &'static str) {
        let problem = parse_json::<Herd>(json.as_bytes()).unwrap_err();
        let error = problem.field_errors().first();
        (
            problem.kind().code.to_owned(),
            error.map(|error| error.pointer.clone()).unwrap_or_default(),
            error.map(|error| error.code).unwrap_or_default(),
        )
    }

    fn invalid(json: &str, pointer: &str, code: &'static str) {
        assert_eq!(fault(json), ("validation_failed".to_owned(), pointer.to_owned(), code), "{json}");
    }

    #[test]
    fn a_fault_is_named_by_its_place_and_its_rule() {
        invalid(r#"{"a/b":"x","animals":[{"age":1},{"age":"2"}]}"#, "/animals/1/age", "wrong_type");
        invalid(r#"{"a/b":"x","animals":[{"age":256}]}"#, "/animals/0/age", "invalid_value");
        invalid(r#"{"a/b":"x","animals":[{}]}"#, "/animals/0/age", "required");
        invalid(r#"{"a/b":"x","animals":[{"age":1,"colour":2}]}"#, "/animals/0/colour", "unknown_field");
        invalid(r#"{"a/b":"x","animals":[{"age":1,"age":2}]}"#, "/animals/0/age", "duplicate_field");
        invalid(r#"{"a/b":"x","animals":[{"age":1,"sex":"?"}]}"#, "/animals/0/sex", "unknown_value");
        invalid(r#"{"a/b":1}"#, "/a~1b", "wrong_type");
        invalid(r#"{"animals":[]}"#, "/a~1b", "required");
        invalid("[]", "", "wrong_length");
        invalid("3", "", "wrong_type");
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for json in ["", "{", "{]", "nul", r#"{"a/b":"x","animals":[]} x"#] {
            assert_eq!(fault(json).0, "malformed_json", "{json}");
        }
    }

    #[test]
    fn a_body_of_the_right_form_is_read() {
        let herd: Herd = parse_json(br#"{"a/b":"x","animals":[{"age":1,"sex":"female"}]}"#).unwrap();
        assert_eq!(herd.animals[0].age, 1);
        assert!(matches!(herd.animals[0].sex, Some(Sex::Female)));
    }
}
