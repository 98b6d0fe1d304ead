//! The token check at the door. The service checks again: what comes through here is not trusted more for it.

use actix_web::http::header::{self, HeaderMap};
use identity::{Principal, Verifier};
use problem::{Problem, registry};

use crate::config::AuthPolicy;

/// Lets a request in, or says why not.
///
/// # Errors
/// 401 when a token is needed and there is none, or when one that is looked at is not valid; 503 when the issuer's keys
/// cannot be had.
pub(crate) async fn admit(
    verifier: Option<&Verifier>,
    policy: AuthPolicy,
    headers: &HeaderMap,
) -> Result<Option<Principal>, Problem> {
    let Some(verifier) = verifier.filter(|_| policy != AuthPolicy::None) else { return Ok(None) };
    match bearer(headers)? {
        Some(token) => verifier.verify(token).await.map(Some).map_err(|error| error.to_problem()),
        None if policy == AuthPolicy::Required => {
            Err(challenge("this needs an access token in the Authorization header", ""))
        }
        None => Ok(None),
    }
}

/// The token of the only `Authorization: Bearer` header, or none.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let malformed = || challenge("the Authorization header is malformed", ", error=\"invalid_request\"");
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (Some(value), rest) = (values.next(), values.next()) else { return Ok(None) };
    if rest.is_some() {
        return Err(malformed());
    }
    let (scheme, token) =
        value.to_str().ok().and_then(|text| text.trim().split_once(' ')).ok_or_else(malformed)?;
    let token = token.trim_start();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains(char::is_whitespace) {
        return Err(malformed());
    }
    Ok(Some(token))
}

fn challenge(detail: &str, error: &str) -> Problem {
    Problem::new(&registry::UNAUTHENTICATED)
        .detail(detail)
        .header("WWW-Authenticate", format!("Bearer realm=\"aldia\"{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn read(values: &[&'static str]) -> Option<Option<String>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        bearer(&headers).ok().map(|token| token.map(str::to_owned))
    }

    #[test]
    fn only_one_bearer_token_is_read() {
        assert_eq!(read(&[]), Some(None));
        assert_eq!(read(&["Bearer a.b.c"]), Some(Some("a.b.c".to_owned())));
        assert_eq!(read(&["bearer  a.b.c "]), Some(Some("a.b.c".to_owned())));
        for malformed in
            [&["Basic YTpi"][..], &["Bearer"], &["Bearer "], &["Bearer a b"], &["Bearer a", "Bearer b"]]
        {
            assert_eq!(read(malformed), None, "{malformed:?}");
        }
    }
}
