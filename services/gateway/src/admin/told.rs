//! What the private port answers about the cache. The words for why something is not answered from memory are those of the
//! `detail` of `Cache-Status` (RFC 9211 §2.8).

use std::collections::BTreeMap;

use serde::Serialize;

/// What would become of a request, and what is kept of its address.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explained {
    /// The route that would be taken; `None`: there is none for this URL.
    pub route: Option<String>,
    /// What the answer would be found under.
    pub key: String,
    /// The class of askers whose answers this request may have: `anonymous`, `token`, or `principal` with what stands for it.
    pub audience: String,
    /// `hit`, or the reason for forwarding as `Cache-Status` says it: `fwd=` and what follows.
    pub outcome: String,
    /// More about the reason, as in `detail`; `None` for a plain hit or miss.
    pub detail: Option<String>,
    /// The lease under which answers of this route are used; `None` where none is needed.
    pub lease: Option<LeaseTold>,
    /// What is kept of the address, for each class of askers that was looked at.
    pub kept: Vec<AudienceTold>,
}

/// A lease at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeaseTold {
    /// Whose lease.
    pub domain: String,
    /// Whether it is held.
    pub held: bool,
    /// How much longer if nothing renews it, in milliseconds.
    pub remaining_ms: u64,
}

/// What is kept of an address for one class of askers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AudienceTold {
    /// `anonymous`, `token`, or `principal` with what stands for it.
    pub audience: String,
    /// By request fields that answers differ in.
    pub variants: Vec<VariantTold>,
}

/// One answer that is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VariantTold {
    /// The request fields it was chosen by, and their normalised values (RFC 9111 §4.1).
    pub vary: BTreeMap<String, String>,
    /// Whether the request that is explained would be given this one.
    pub is_chosen: bool,
    /// Its status.
    pub status: u16,
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Seconds since the service made it (RFC 9111 §4.2.3).
    pub age_secs: u64,
    /// Seconds it stays fresh; below zero, how long it has been stale.
    pub ttl_secs: i64,
    /// Bytes of its body in each coding it is kept in; `identity` for none.
    pub bytes: BTreeMap<String, u64>,
    /// What it belongs to.
    pub groups: Vec<GroupTold>,
    /// Whether it may be answered now without asking the service.
    pub is_current: bool,
    /// Why it may not, in the words of `detail`.
    pub why_not: Option<String>,
}

/// One group of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GroupTold {
    /// Its name.
    pub name: String,
    /// Whether it was written since the answer was asked for.
    pub is_invalidated: bool,
}

/// What a purge did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// Answers of this gateway thrown away, or marked for validation, of one address or of all. Those of a group are not
    /// counted: they are recognised when they are next looked at.
    pub entries: u64,
    /// Groups of the purge that something here belonged to.
    pub groups: u64,
    /// By domain, how many gateways with a lease said that they did the same, this one included; `None`: none could be told.
    /// A purge by URL is for this gateway alone.
    pub edges: BTreeMap<String, Option<u64>>,
}
