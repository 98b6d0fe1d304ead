//! The rules of adding bytes: what may be read of a request, and what has become of the upload when it ends.

use chrono::{DateTime, Utc};

use crate::command::{Append, Completes, Content, Create};
use crate::dialect::Dialect;
use crate::upload::{State, UploadView};
use crate::{Limits, Refusal};

/// Leave to read the content of one request into an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where the content begins in the upload, in bytes.
    pub offset: u64,
    /// The length of the upload, if it is known now. To be recorded before anything is read.
    pub declared: Option<u64>,
    /// Bytes to read and keep at the most. One more that arrives ends the request: [`Plan::settle`] says how.
    pub at_most: u64,
    bound: Bound,
    completes: Completes,
    limits: Limits,
}

/// What [`Plan::at_most`] follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Length,
    Size,
    Append,
}

/// How the content of a request came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As its framing says it should, or with a byte too many.
    Whole,
    /// Sooner: the connection was lost, or the request was given up.
    Cut,
}

/// What has become of an upload by one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The offset now, in bytes. May be told once those bytes are on stable storage.
    pub offset: u64,
    /// The length, if it is known now.
    pub declared: Option<u64>,
    /// What follows.
    pub end: End,
}

/// What follows for the upload, and for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The upload waits for more.
    Open,
    /// The upload is complete.
    Complete,
    /// The request is refused. The upload waits for more, at the offset it has now.
    Refused(Refusal),
    /// The request is refused, and the upload must not be used again.
    Invalid(Refusal),
}

/// Decides about an upload that is to be created.
///
/// # Errors
/// A [`Refusal`] with which nothing is created: lengths that contradict each other, or that are beyond `limits`.
pub fn check_create(limits: Limits, create: &Create) -> Result<Plan, Refusal> {
    plan(&Sizes {
        from: 0,
        known: None,
        stated: create.declared,
        content: &create.content,
        completes: create.completes,
        dialect: create.dialect,
        limits,
        creates: true,
    })
}

/// Decides about bytes that are to be added.
///
/// # Errors
/// A [`Refusal`] with which nothing of the upload is changed.
pub fn check_append(view: &UploadView, append: &Append, now: DateTime<Utc>) -> Result<Plan, Refusal> {
    view.check_present(now)?;
    if view.is_final() {
        return Err(Refusal::FinalUpload);
    }
    let complete = view.state == State::Complete;
    // Who speaks tus and missed our last answer learns more from the offset. The draft asks for these answers.
    if complete && append.dialect != Dialect::Tus {
        return Err(after_completion(append));
    }
    if append.offset != view.offset {
        return Err(Refusal::Offset { expected: view.offset, provided: append.offset });
    }
    if complete {
        return Err(after_completion(append));
    }
    plan(&Sizes {
        from: view.offset,
        known: view.declared,
        stated: append.declared,
        content: &append.content,
        completes: append.completes,
        dialect: append.dialect,
        limits: view.limits,
        creates: false,
    })
}

impl Plan {
    /// Says what has become of the upload, once the content has ended after `received` bytes, counting one beyond
    /// [`at_most`](Plan::at_most) if it came.
    #[must_use]
    pub fn settle(&self, received: u64, ending: Ending) -> Settled {
        let offset = self.offset.saturating_add(received.min(self.at_most));
        if received > self.at_most {
            return Settled { offset, declared: self.declared, end: self.overrun() };
        }
        let (declared, end) = match (self.completes, ending, self.declared) {
            (Completes::AtLength, _, Some(length)) if length == offset => (self.declared, End::Complete),
            (Completes::WithContent, Ending::Whole, None) => (Some(offset), End::Complete),
            (Completes::WithContent, Ending::Whole, Some(length)) if length == offset => {
                (self.declared, End::Complete)
            }
            // An object that is short must not pass for complete (`U-C1`).
            (Completes::WithContent, Ending::Whole, Some(_)) => {
                (self.declared, End::Refused(Refusal::Length))
            }
            _ => (self.declared, End::Open),
        };
        Settled { offset, declared, end }
    }

    fn overrun(&self) -> End {
        match self.bound {
            Bound::Length => End::Invalid(Refusal::Length),
            Bound::Size => End::Invalid(Refusal::TooLarge(self.limits)),
            Bound::Append => End::Refused(Refusal::TooLarge(self.limits)),
        }
    }
}

/// All the numbers of one request.
struct Sizes<'a> {
    from: u64,
    known: Option<u64>,
    stated: Option<u64>,
    content: &'a Content,
    completes: Completes,
    dialect: Dialect,
    limits: Limits,
    creates: bool,
}

/// What comes after completion contradicts the length if it has content, and is merely too late if it has none.
fn after_completion(append: &Append) -> Refusal {
    if append.content.length == Some(0) { Refusal::Completed } else { Refusal::Length }
}

fn plan(sizes: &Sizes<'_>) -> Result<Plan, Refusal> {
    let declared = agreed_length(sizes)?;
    check_content(sizes, declared)?;
    let max_size = sizes.limits.max_size();
    let (end, bound) = declared.map_or((max_size, Bound::Size), |length| (length, Bound::Length));
    let room = end.saturating_sub(sizes.from);
    let (at_most, bound) = match sizes.limits.max_append_bytes {
        Some(most) if most < room => (most, Bound::Append),
        _ => (room, bound),
    };
    Ok(Plan {
        offset: sizes.from,
        declared,
        at_most,
        bound,
        completes: sizes.completes,
        limits: sizes.limits,
    })
}

/// The one length that everything said so far agrees on, if anything was said.
fn agreed_length(sizes: &Sizes<'_>) -> Result<Option<u64>, Refusal> {
    let implied = match (sizes.completes, sizes.content.length) {
        (Completes::WithContent, Some(rest)) => Some(sizes.from.saturating_add(rest)),
        _ => None,
    };
    let mut said = [sizes.known, sizes.stated, implied].into_iter().flatten();
    let Some(length) = said.next() else { return Ok(None) };
    if said.any(|other| other != length) || length < sizes.from {
        return Err(Refusal::Length);
    }
    if length > sizes.limits.max_size() {
        return Err(Refusal::TooLarge(sizes.limits));
    }
    Ok(Some(length))
}

/// Holds what the head announces against the length and the limits.
fn check_content(sizes: &Sizes<'_>, declared: Option<u64>) -> Result<(), Refusal> {
    let Some(bytes) = sizes.content.length else { return Ok(()) };
    let end = sizes.from.saturating_add(bytes);
    if declared.is_some_and(|length| end > length) {
        return Err(Refusal::Length);
    }
    let too_many = sizes.limits.max_append_bytes.is_some_and(|most| bytes > most);
    if too_many || end > sizes.limits.max_size() {
        return Err(Refusal::TooLarge(sizes.limits));
    }
    let only_creates = sizes.creates && bytes == 0;
    let bound_by_least =
        sizes.dialect != Dialect::Tus && sizes.completes != Completes::WithContent && !only_creates;
    if bound_by_least && sizes.limits.min_append_bytes.is_some_and(|least| bytes < least) {
        return Err(Refusal::TooSmall(sizes.limits));
    }
    Ok(())
}
