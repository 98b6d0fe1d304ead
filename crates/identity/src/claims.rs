//! What is read from a verified payload, with the variations issuers allow themselves.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::error::IdentityError;
use crate::principal::Principal;

/// A verified payload and the time it is good for.
pub(crate) struct Accepted {
    pub(crate) principal: Principal,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Checks the times and reads the principal. `iss`, `aud` and the signature are checked already.
pub(crate) fn accept(
    claims: &Map<String, Value>,
    issuer: &str,
    roles_claim: &str,
    now: DateTime<Utc>,
    leeway: chrono::Duration,
) -> Result<Accepted, IdentityError> {
    let expires_at = instant(claims, "exp")?.ok_or(IdentityError::Malformed("no exp"))?;
    if now >= later(expires_at, leeway) {
        return Err(IdentityError::Expired);
    }
    if instant(claims, "nbf")?.is_some_and(|not_before| now < earlier(not_before, leeway)) {
        return Err(IdentityError::NotYetValid);
    }
    let subject = text(claims, "sub").filter(|subject| !subject.is_empty());
    let principal = Principal {
        subject: subject.ok_or(IdentityError::Malformed("no sub"))?,
        roles: find(claims, roles_claim).map(words).unwrap_or_default(),
        scopes: claims.get("scope").or_else(|| claims.get("scp")).map(words).unwrap_or_default(),
        issuer: issuer.to_owned(),
        token_id: text(claims, "jti").unwrap_or_default(),
    };
    Ok(Accepted { principal, expires_at })
}

/// RFC 7519 `NumericDate`: seconds, possibly with a fraction. The fraction is dropped.
fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<DateTime<Utc>>, IdentityError> {
    const FAULT: IdentityError = IdentityError::Malformed("a time claim is not a number");
    let Some(value) = claims.get(name) else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates, and then fails as a timestamp")]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|float| float as i64)).ok_or(FAULT)?;
    DateTime::from_timestamp(seconds, 0).map(Some).ok_or(FAULT)
}

fn later(time: DateTime<Utc>, by: chrono::Duration) -> DateTime<Utc> {
    time.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn earlier(time: DateTime<Utc>, by: chrono::Duration) -> DateTime<Utc> {
    time.checked_sub_signed(by).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A claim by its name or, when none has it, by a path of names with dots between (claim names may hold dots themselves).
fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, name| value.get(name))
}

/// A list of strings, or one string of words with spaces between (RFC 8693 `scope`). Anything else counts as none.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(line) => line.split_ascii_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(claims: Value, roles_claim: &str) -> Result<Accepted, IdentityError> {
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let claims = claims.as_object().unwrap().clone();
        accept(&claims, "https://i", roles_claim, now, chrono::Duration::seconds(5))
    }

    #[test]
    fn roles_are_found_by_name_and_by_path() {
        let claims = json!({"sub": "s", "exp": 2_000, "a": {"b": ["x", "y"]}, "c.d": "p q", "scope": "r w"});
        assert_eq!(read(claims.clone(), "a.b").unwrap().principal.roles, ["x", "y"]);
        assert_eq!(read(claims.clone(), "c.d").unwrap().principal.roles, ["p", "q"]);
        assert!(read(claims.clone(), "a.z").unwrap().principal.roles.is_empty());
        assert_eq!(read(claims, "a").unwrap().principal.scopes, ["r", "w"]);
    }

    #[test]
    fn times_are_checked_with_the_leeway_and_never_overflow() {
        assert!(read(json!({"sub": "s", "exp": 996}), "roles").is_ok());
        assert_eq!(read(json!({"sub": "s", "exp": 995}), "roles").err(), Some(IdentityError::Expired));
        assert_eq!(
            read(json!({"sub": "s", "exp": 2_000, "nbf": 1_006}), "roles").err(),
            Some(IdentityError::NotYetValid)
        );
        for odd in [json!("soon"), json!(1e300), json!(i64::MAX), json!(u64::MAX), json!(null)] {
            let outcome = read(json!({"sub": "s", "exp": odd}), "roles");
            assert!(matches!(outcome, Err(IdentityError::Malformed(_))), "{odd}");
        }
    }

    #[test]
    fn a_token_without_a_subject_is_malformed() {
        for claims in
            [json!({"exp": 2_000}), json!({"exp": 2_000, "sub": ""}), json!({"exp": 2_000, "sub": 7})]
        {
            assert!(matches!(read(claims, "roles"), Err(IdentityError::Malformed(_))));
        }
    }
}
