//! What may happen next, and what may be broken.

/// A part of the protocol left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A writer neither stamps nor tells anybody.
    NoStamp,
    /// A writer answers without waiting for the edges.
    NoAckWait,
    /// An edge stores what was requested before an invalidation.
    StoreLate,
    /// An edge answers without a lease.
    IgnoreLease,
    /// The shared level is filled whatever changed meanwhile.
    UnversionedFill,
    /// Leases of an earlier life of Redis are not waited for.
    NoQuarantine,
    /// A new session answers with what an earlier one left.
    NoFloor,
    /// A lease is reckoned from the answer, not from before the command was sent.
    LeaseFromAnswer,
    /// An invalidation is confirmed before it is applied.
    AckBeforeApply,
    /// A revoked session is forgotten at once, so that the next writer does not wait for it.
    ForgetRevoked,
    /// A revoked or unknown session may renew.
    RenewUnknown,
    /// The answer to a retry of a write that died is given without stamping.
    BareReplay,
    /// A waiter gets the answer of a fetch begun before an invalidation.
    ShareBlindly,
    /// A rolled-back writer always puts the version of before its mark back.
    RestoreBlindly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Tick,
    RedisRestarts,
    Mark(usize),
    Commit(usize),
    RollBack(usize),
    Stamp(usize),
    /// Takes their leases from the edges that have not confirmed.
    Revoke(usize),
    Acknowledge(usize),
    Die(usize),
    /// The client of a writer that died sends its request again.
    Replay(usize),
    /// A mark ran out: a sweep does the writer's job.
    Sweep(usize),
    /// The invalidation of a writer reaches an edge; its confirmation reaches the writer, or does not.
    Deliver {
        writer: usize,
        edge: usize,
        is_heard: bool,
    },
    ApplyLate(usize),
    Join(usize),
    Renew(usize),
    /// Redis does what an edge asked for.
    Execute(usize),
    /// The edge has its answer.
    Conclude(usize),
    GiveUp(usize),
    Fetch(usize),
    Wait(usize),
    ReadShared(usize),
    /// The shared level is not asked.
    Bypass(usize),
    Load(usize),
    Fill(usize),
    /// The answer reaches the edge.
    Arrive(usize),
}
