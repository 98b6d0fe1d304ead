//! The problems of signing in, beside the common ones of the `problem` crate.

use problem::ProblemType;

/// The user name and the password do not go together.
pub(crate) static INVALID_CREDENTIALS: ProblemType = ProblemType {
    code: "invalid_credentials",
    status: 401,
    title: "User name or password is wrong",
    doc: "There is no active user with this identification or e-mail address and this password. Which of it is wrong is not said, on purpose. Check both; after several attempts wait as `Retry-After` asks.",
};

/// The refresh token is of no use.
pub(crate) static INVALID_GRANT: ProblemType = ProblemType {
    code: "invalid_grant",
    status: 401,
    title: "The refresh token is not valid",
    doc: "The refresh token is unknown, expired or revoked, its session has ended, or its user may no longer sign in (a changed password ends all sessions). Sign in again with user name and password.",
};

/// The refresh token was used before.
pub(crate) static REFRESH_TOKEN_REUSED: ProblemType = ProblemType {
    code: "refresh_token_reused",
    status: 401,
    title: "The refresh token was used before",
    doc: "Each refresh token works once; its answer holds the next one. This one came a second time, which happens when it was copied, so the whole session has been ended for everyone who holds a token of it. Sign in again, keep tokens where only one process uses them, and never send the same one twice, not even at the same moment.",
};

/// The grant type is not one of ours.
pub(crate) static UNSUPPORTED_GRANT_TYPE: ProblemType = ProblemType {
    code: "unsupported_grant_type",
    status: 400,
    title: "The grant type is not supported",
    doc: "`grant_type` must be `password` (also when it is left out) or `refresh_token`.",
};

/// All of them.
pub(crate) static AUTH_PROBLEMS: &[&ProblemType] =
    &[&INVALID_CREDENTIALS, &INVALID_GRANT, &REFRESH_TOKEN_REUSED, &UNSUPPORTED_GRANT_TYPE];
