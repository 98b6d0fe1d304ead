//! Reading the small bodies of this section, as JSON or as a form (RFC 6749 asks for a form), with every fault named.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Payload, Query};
use problem::{FieldError, Problem, registry};
use secrecy::SecretString;
use serde_json::Value;

use super::error::AuthError;
use crate::api::incoming;

/// More than any request here has.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The members of a body, all of them text. `Debug` is missing on purpose: passwords and tokens are among them.
pub(crate) struct Body {
    values: BTreeMap<String, SecretString>,
    faults: Vec<FieldError>,
}

impl Body {
    /// Reads the body of a request; `known` are the members it may have.
    ///
    /// # Errors
    /// The problem with it: too large, another media type, not readable, or not an object. Faults of single members are kept
    /// until [`Body::finish`], so that all are reported at once.
    pub(crate) async fn read(
        request: &HttpRequest,
        payload: Payload,
        known: &[&str],
    ) -> Result<Self, AuthError> {
        let form = is_form(request)?;
        let bytes = match payload.to_bytes_limited(MAX_BODY_BYTES).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => {
                let problem = Problem::new(&registry::MALFORMED_REQUEST).detail("the body could not be read");
                return Err(AuthError::Request(problem.cause(error.to_string())));
            }
            Err(_) => {
                let problem = Problem::new(&registry::PAYLOAD_TOO_LARGE);
                return Err(AuthError::Request(problem.detail(format!("at most {MAX_BODY_BYTES} bytes"))));
            }
        };
        let read = if form { from_form(&bytes) } else { from_json(&bytes, known) };
        read.map_err(AuthError::Request)
    }

    /// A member, if it is there.
    pub(crate) fn optional(&mut self, name: &str) -> Option<SecretString> {
        self.values.remove(name)
    }

    /// A member that must be there, with at least one and at most `max_chars` characters.
    pub(crate) fn required(&mut self, name: &'static str, max_chars: usize) -> SecretString {
        use secrecy::ExposeSecret as _;
        let value = self.values.remove(name).unwrap_or_default();
        let count = value.expose_secret().chars().take(max_chars + 1).count();
        let already_named = self.faults.iter().any(|fault| fault.pointer == pointer(name));
        if count == 0 && !already_named {
            self.fault(name, "required", "is required".to_owned());
        } else if count > max_chars {
            self.fault(name, "too_long", format!("has at most {max_chars} characters"));
        } else if value.expose_secret().contains('\0') {
            // The store takes any text but this one.
            self.fault(name, "control_character", "has a NUL character".to_owned());
        }
        value
    }

    /// Names it as a fault when a value that was given has fewer than `min_chars` characters.
    pub(crate) fn at_least(&mut self, name: &'static str, value: &SecretString, min_chars: usize) {
        use secrecy::ExposeSecret as _;
        let count = value.expose_secret().chars().take(min_chars).count();
        if (1..min_chars).contains(&count) {
            self.fault(name, "too_short", format!("has at least {min_chars} characters"));
        }
    }

    fn fault(&mut self, name: &str, code: &'static str, message: String) {
        self.faults.push(FieldError { pointer: pointer(name), code, message });
    }

    /// Reports the faults, if there were any.
    ///
    /// # Errors
    /// A problem with all of them.
    pub(crate) fn finish(self) -> Result<(), AuthError> {
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(AuthError::Request(Problem::new(&registry::VALIDATION_FAILED).errors(self.faults)))
    }
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn is_form(request: &HttpRequest) -> Result<bool, AuthError> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(false)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(true)
    } else {
        let problem = Problem::new(&registry::UNSUPPORTED_MEDIA_TYPE);
        Err(AuthError::Request(
            problem.detail("the body must be application/json or application/x-www-form-urlencoded").field(
                "Content-Type",
                "unsupported",
                "not a media type that is read here",
            ),
        ))
    }
}

/// As strict as every other JSON body of the service: unknown members are refused.
fn from_json(bytes: &[u8], known: &[&str]) -> Result<Body, Problem> {
    let Value::Object(members) = incoming::json(bytes, "")? else {
        let problem = Problem::new(&registry::VALIDATION_FAILED);
        return Err(problem.field("", "wrong_type", "must be an object"));
    };
    let mut body = Body { values: BTreeMap::new(), faults: Vec::new() };
    for (name, value) in members {
        match value {
            _ if !known.contains(&name.as_str()) => {
                body.fault(&name, "unknown_field", "is not known here".to_owned());
            }
            Value::String(text) => {
                body.values.insert(name, text.into());
            }
            // RFC 6749 clients may send members they have no value for.
            Value::Null => {}
            _ => body.fault(&name, "wrong_type", "must be a string".to_owned()),
        }
    }
    Ok(body)
}

/// RFC 6749 §3.2: unknown parameters are ignored, repeated ones are refused, empty ones count as left out.
fn from_form(bytes: &[u8]) -> Result<Body, Problem> {
    let malformed = || Problem::new(&registry::MALFORMED_REQUEST).detail("the form is not readable");
    let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
    let pairs = Query::<Vec<(String, String)>>::from_query(text).map_err(|_| malformed())?.into_inner();
    let mut body = Body { values: BTreeMap::new(), faults: Vec::new() };
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        if let Some(_first) = body.values.insert(name.clone(), value.into()) {
            body.fault(&name, "repeated", "must not be repeated".to_owned());
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn faults(body: Body) -> Vec<(String, &'static str)> {
        match body.finish() {
            Err(AuthError::Request(problem)) => {
                problem.field_errors().iter().map(|fault| (fault.pointer.clone(), fault.code)).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn json_is_strict_and_names_every_fault() {
        let text = br#"{"username": 7, "password": "", "scop/e": "x", "client_id": null}"#;
        let mut body = from_json(text, &["username", "password", "client_id"]).unwrap();
        body.required("username", 10);
        body.required("password", 10);
        let expected =
            [("/scop~1e", "unknown_field"), ("/username", "wrong_type"), ("/password", "required")];
        assert_eq!(faults(body), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    #[test]
    fn what_is_too_long_is_said_in_characters() {
        let mut body = from_json(r#"{"username": "äää"}"#.as_bytes(), &["username"]).unwrap();
        body.required("username", 2);
        assert_eq!(faults(body), [("/username".to_owned(), "too_long")]);
    }

    #[test]
    fn a_form_ignores_the_unknown_and_refuses_the_repeated() {
        let mut body = from_form(b"username=a%40b&extra=1&password=p+w%21&scope=").unwrap();
        assert_eq!(body.required("username", 10).expose_secret(), "a@b");
        assert_eq!(body.required("password", 10).expose_secret(), "p w!");
        assert!(body.optional("scope").is_none());
        assert!(body.finish().is_ok());
        assert_eq!(
            faults(from_form(b"username=a&username=b").unwrap()),
            [("/username".to_owned(), "repeated")]
        );
    }

    #[test]
    fn broken_json_says_where_and_quotes_nothing() {
        let problem = from_json(br#"{"password": "hunter2"#, &[]).err().unwrap();
        assert_eq!(problem.kind().code, "malformed_json");
        assert!(!problem.to_json().to_string().contains("hunter2"));
        assert_eq!(from_json(b"[]", &[]).err().unwrap().kind().code, "validation_failed");
    }
}
