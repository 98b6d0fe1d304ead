//! How a handler learns that a request body broke the framing rules.

use std::error::Error;
use std::io;

use crate::framing::Refusal;

/// The cause of a failed request body whose framing is malformed: the answer is `Refusal::status`, and the connection is closed
/// after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.detail())]
pub struct BodyRefused(pub Refusal);

impl BodyRefused {
    /// Looks for a refusal in the causes of `error`.
    #[must_use]
    pub fn find(error: &(dyn Error + 'static)) -> Option<Refusal> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found.0);
            }
            cause = error.source();
        }
        None
    }

    /// As an error of reading, in whose chain of causes it is found.
    pub(crate) fn into_io(self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Malformed(self))
    }
}

/// An `io::Error` hides the error that it was made of and shows only that one's source.
#[derive(Debug, thiserror::Error)]
#[error("the request body is malformed")]
struct Malformed(#[source] BodyRefused);
