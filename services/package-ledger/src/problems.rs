//! The service's own problem types, beside the common ones of the `problem` crate.

use problem::ProblemType;

macro_rules! problem_types {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $status:literal, $title:literal, $doc:literal;)*) => {
        $($(#[$meta])* pub static $name: ProblemType = ProblemType { code: $code, status: $status, title: $title, doc: $doc };)*
        /// All of them.
        pub static PACKAGE_LEDGER_PROBLEMS: &[&ProblemType] = &[$(&$name),*];
    };
}

problem_types! {
    /// The step cannot be taken with this package as it stands.
    STEP_REFUSED = "step_refused", 409, "This step cannot be taken with the package now",
        "A package goes from announced over received, stored and notified to delivered, and each step has its conditions. `missing` has everything that this one lacks, each with a code, and `allowed` the steps that can be taken from here.";
    /// Something is still to be paid.
    BALANCE_DUE = "balance_due", 409, "Something is still to be paid",
        "A package is handed over when what it costs is paid or waived. `due` is what is missing at this instant; the quote at `/v1/packages/{id}/fee` says how it comes about.";
    /// More was offered than is due.
    PAYMENT_EXCEEDS_DUE = "payment_exceeds_due", 422, "More than what is due",
        "A payment can be as much as is due at this instant, and no more. `due` says how much that is.";
    /// The pickup code is wrong.
    PICKUP_CODE_WRONG = "pickup_code_wrong", 403, "This is not the pickup code of the package",
        "The code does not belong to this package and its customer. `guesses_left` says how many more may be tried before it is locked.";
    /// No pickup code is taken for this package.
    PICKUP_CODE_LOCKED = "pickup_code_locked", 403, "No pickup code is taken for this package",
        "The code was used, or too many wrong ones were tried for the package or for its customer. Have a new one issued at `/v1/packages/{id}/code`, or check the recipient's identity. `Retry-After`, where it is there, says when one is taken again.";
    /// All slots of this size are taken.
    SLOTS_FULL = "slots_full", 409, "No slot of this size is free",
        "Every slot that the package fits into is held or blocked. `alternatives` has free slots of other sizes, if there are any.";
    /// The slot asked for is taken.
    SLOT_TAKEN = "slot_taken", 409, "This slot is not free",
        "Another package lies there, or it is blocked, or too small. `alternatives` has slots that are free and large enough.";
    /// A new tariff would be in force too soon.
    TARIFF_NOTICE_TOO_SHORT = "tariff_notice_too_short", 422, "A new tariff needs longer notice",
        "Customers are told of a new tariff some days before it is in force. `earliest` is the first instant at which this one could be.";
    /// The file cannot be taken as a photo or paper of a package.
    FILE_UNUSABLE = "file_unusable", 422, "The file cannot be used here",
        "The asset named does not exist, is not yours, or is of another kind. `errors` says which. Upload it to `/v1/images` first.";
    /// The carrier's number is open already.
    GUIDE_ALREADY_OPEN = "guide_already_open", 409, "This guide number is open already",
        "The carrier's number was announced, or its parcel is here. One parcel has one package.";
    /// Somebody else has this phone number.
    PHONE_IN_USE = "phone_in_use", 409, "Another customer has this phone number",
        "A customer is found by the phone number, so it belongs to one customer only.";
    /// The time for a claim is over.
    CLAIM_TOO_LATE = "claim_too_late", 409, "It is too late for a claim",
        "A claim is taken for 48 hours after a package was handed over. `closed_at` says until when.";
    /// The same transfer was posted or taken back already.
    TRANSFER_CONFLICT = "transfer_conflict", 409, "This was booked already",
        "A transfer is posted once and taken back once. Read the books at `/v1/ledger/transfers`.";
}

/// Every problem type that this service can answer with, as it is published.
pub fn all() -> Vec<serde_json::Value> {
    problem::registry::COMMON
        .iter()
        .chain(PACKAGE_LEDGER_PROBLEMS)
        .map(|kind| serde_json::json!({"code": kind.code, "status": kind.status, "title": kind.title, "doc": kind.doc}))
        .collect()
}
