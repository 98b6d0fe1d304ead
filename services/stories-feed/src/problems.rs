//! The service's own problem types, beside the common ones of the `problem` crate.

use problem::ProblemType;

macro_rules! problem_types {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $status:literal, $title:literal, $doc:literal;)*) => {
        $($(#[$meta])* pub static $name: ProblemType = ProblemType { code: $code, status: $status, title: $title, doc: $doc };)*
        /// All of them.
        pub static STORIES_FEED_PROBLEMS: &[&ProblemType] = &[$(&$name),*];
    };
}

problem_types! {
    /// The asset cannot be shown in a story.
    ASSET_UNUSABLE = "asset_unusable", 422, "The asset cannot be shown in a story",
        "The asset named is not yours, does not exist, failed, is private, or is of another kind or larger than a story may show. `errors` says which. Upload it to `/v1/images` or `/v1/videos` with `visibility=public` first.";
    /// The author has posted as many stories as the gym allows in a day.
    DAILY_LIMIT_REACHED = "daily_limit_reached", 429, "No more stories today",
        "The gym lets a member post so many stories in 24 hours, and you have. `Retry-After` says when the oldest of them no longer counts.";
    /// The story's state does not allow it.
    STORY_STATE_CONFLICT = "story_state_conflict", 409, "The story's state does not allow this",
        "A story goes from draft over processing to active, and ends archived, deleted or removed. `detail` says in which state it is and what can be done from there.";
    /// The author does not want replies or reactions to this story.
    NOT_WANTED = "not_wanted", 403, "The author does not want this",
        "The author of the story has switched replies or reactions off for it.";
    /// The member has reported this story already.
    ALREADY_REPORTED = "already_reported", 409, "You have reported this story already",
        "Each member can report a story once. The moderators of the gym have your report.";
    /// More sockets are open than can be served.
    TOO_MANY_SOCKETS = "too_many_sockets", 503, "As many sockets are open as can be served",
        "Every open socket costs memory, and there is a bound on them, for the process and for each person. Close one, or come again later; the feed itself can be read as always.";
}

/// Every problem type that this service can answer with, as it is published.
pub fn all() -> Vec<serde_json::Value> {
    problem::registry::COMMON
        .iter()
        .chain(STORIES_FEED_PROBLEMS)
        .chain(graphql_http::GRAPHQL_PROBLEMS)
        .map(|kind| serde_json::json!({"code": kind.code, "status": kind.status, "title": kind.title, "doc": kind.doc}))
        .collect()
}
