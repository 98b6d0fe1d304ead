//! What became of a request, and the answer that is made of it.

use async_graphql::{Response, ServerError};
use serde::Serialize;

use crate::{Edition, Format, Kind, METHODS, Refusal};

/// Most errors of one answer: a document can have more faults than anybody reads.
const MAX_ERRORS: usize = 32;

/// What became of a request.
#[derive(Debug)]
pub struct Outcome {
    kind: Kind,
    response: Response,
    hidden: Vec<String>,
}

/// An answer, to be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The fields that it must have, by their names in lower case.
    pub fields: Vec<(&'static str, String)>,
    /// The content, in UTF-8.
    pub body: Vec<u8>,
}

impl Outcome {
    pub(crate) fn new(kind: Kind, mut response: Response, hidden: Vec<String>) -> Self {
        response.errors.truncate(MAX_ERRORS);
        Self { kind, response, hidden }
    }

    /// What became of it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The errors that the client is told.
    #[must_use]
    pub fn errors(&self) -> &[ServerError] {
        &self.response.errors
    }

    /// What errors without a code said: not told to the client, for the log.
    #[must_use]
    pub fn hidden(&self) -> &[String] {
        &self.hidden
    }

    /// The answer in this format: nothing but a result of GraphQL.
    ///
    /// # Errors
    /// Where a value of the schema cannot be written as JSON.
    pub fn answer(&self, edition: Edition, format: Format) -> Result<Answer, serde_json::Error> {
        let body = if self.kind.is_executed() {
            serde_json::to_vec(&self.response)?
        } else {
            // Nothing was executed: `data` is not null, it is not there.
            serde_json::to_vec(&RequestError { errors: &self.response.errors })?
        };
        let content_type = self.kind.answered_in(edition, format).content_type().to_owned();
        let mut fields = vec![("content-type", content_type), ("vary", "accept".to_owned())];
        if self.kind.status(edition, format) == 405 {
            fields.push(("allow", METHODS.join(", ")));
        }
        Ok(Answer { status: self.kind.status(edition, format), fields, body })
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.kind, Response::from_errors(refusal.errors), Vec::new())
    }
}

#[derive(Serialize)]
struct RequestError<'a> {
    errors: &'a [ServerError],
}
