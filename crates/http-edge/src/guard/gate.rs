//! The decision how much of what was read may go on to the parser.

use std::sync::atomic::Ordering::Relaxed;

use crate::framing::{FramingLimits, Inspector, Refusal, Verdict};
use crate::state::ConnectionState;

/// A rule that was broken, and where. Nothing passes after it.
#[derive(Clone, Copy)]
pub(super) enum Refused {
    Head(Refusal),
    Body(Refusal),
}

/// Holds requests apart: one passes, with its body, and the next only when the answer to it is out.
pub(super) struct Gate {
    inspector: Inspector,
    /// The next byte belongs to the body of the request that passed last, or breaks its framing.
    in_body: bool,
    pub(super) refused: Option<Refused>,
    /// hyper may still have bytes of an answer in its buffer. The next request waits for them, so that an informational answer
    /// to it cannot overtake them.
    pub(super) unflushed: bool,
    /// hyper is known to hold nothing, and to mean to keep the connection: the head that it was given last, if any, was of a
    /// request without a body that wishes to keep it.
    at_rest: bool,
}

/// What becomes of bytes that were shown.
pub(super) enum Admitted {
    /// So many may pass.
    Passing(usize),
    /// So many were a request that has its answer; nothing was looked at beyond.
    Answered(usize),
}

impl Gate {
    pub(super) fn new(limits: FramingLimits) -> Self {
        Self {
            inspector: Inspector::new(limits),
            in_body: false,
            refused: None,
            unflushed: false,
            at_rest: true,
        }
    }

    /// Whether the next bytes belong to a request that has to wait for the answer before it.
    pub(super) fn waits(&self, state: &ConnectionState) -> bool {
        !self.in_body && (state.in_flight() || self.unflushed)
    }

    /// How many of the bytes, which the parser has not seen, may pass now. A plain head is given to `offer` first, where hyper
    /// would not notice: it has nothing under way, and nothing to read.
    pub(super) fn admit(
        &mut self,
        unread: &[u8],
        state: &ConnectionState,
        offer: impl FnOnce(&[u8]) -> bool,
    ) -> Admitted {
        let mut offer = Some(offer);
        let mut passing = 0;
        while self.refused.is_none() && !self.waits(state) {
            let Some(rest) = unread.get(passing..).filter(|rest| !rest.is_empty()) else { break };
            match self.inspector.inspect(rest) {
                Verdict::Head(bytes, facts) => {
                    if passing == 0
                        && self.at_rest
                        && self.inspector.was_plain()
                        && let Some(offer) = offer.take()
                        && offer(rest.get(..bytes).unwrap_or_default())
                    {
                        return Admitted::Answered(bytes);
                    }
                    passing += bytes;
                    self.at_rest = !facts.has_body && facts.keep_alive && !facts.upgrade && !facts.http10;
                    self.in_body = facts.has_body;
                    state.expects_continue.store(facts.expects_continue, Relaxed);
                    state.offers_upgrade.store(facts.upgrade, Relaxed);
                    state.begin();
                }
                Verdict::Body(0) => break,
                Verdict::Body(bytes) => {
                    passing += bytes;
                    self.in_body = !self.inspector.between_messages();
                }
                Verdict::Incomplete => {
                    state.head.begin(state);
                    break;
                }
                Verdict::Refuse(refusal) if self.in_body => {
                    state.body_refused.store(true, Relaxed);
                    self.refused = Some(Refused::Body(refusal));
                }
                Verdict::Refuse(refusal) => self.refused = Some(Refused::Head(refusal)),
            }
        }
        Admitted::Passing(passing)
    }
}
