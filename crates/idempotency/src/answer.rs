//! The answer that is kept, and given again.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// Marks an answer that was given before.
const REPLAYED: (&str, &str) = ("Idempotency-Replayed", "true");

/// An answer as it is stored: what a later request with the same key gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The status code.
    pub status: u16,
    /// Header fields in their order. Those of one exchange (`Date`, request id, timing) do not belong here.
    pub headers: Vec<(String, String)>,
    /// The body before any content coding.
    pub body: Vec<u8>,
}

impl StoredAnswer {
    /// The replay: the stored answer, marked with `Idempotency-Replayed: true`.
    #[must_use]
    pub fn to_response(&self) -> HttpResponse {
        self.respond(true)
    }

    /// The first answer, built from the very same parts.
    #[must_use]
    pub fn to_first_response(&self) -> HttpResponse {
        self.respond(false)
    }

    fn respond(&self, replayed: bool) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        for (name, value) in &self.headers {
            response.append_header((name.as_str(), value.as_str()));
        }
        if replayed {
            response.insert_header(REPLAYED);
        }
        response.body(self.body.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::MessageBody as _;

    #[test]
    fn a_replay_differs_from_the_first_answer_in_its_mark_only() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![pair("location", "/v1/animals/1"), pair("link", "<a>"), pair("link", "<b>")];
        let answer = StoredAnswer { status: 201, headers, body: b"{\"id\":1}".to_vec() };
        let (first, mut replay) = (answer.to_first_response(), answer.to_response());
        assert_eq!(replay.headers_mut().remove("idempotency-replayed").count(), 1);
        let fields = |response: &HttpResponse| {
            let mut fields: Vec<_> = response.headers().iter().map(|(n, v)| (n.clone(), v.clone())).collect();
            fields.sort_by_key(|(name, _)| name.to_string());
            fields
        };
        assert_eq!((first.status(), fields(&first)), (replay.status(), fields(&replay)));
        assert_eq!(fields(&first).len(), 3);
        assert_eq!(first.into_body().try_into_bytes().unwrap(), replay.into_body().try_into_bytes().unwrap());
    }
}
