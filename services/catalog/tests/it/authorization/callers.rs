//! Everyone who may ask, from nobody to the administrator.

use catalog::model::registry::Registry;
use test_harness::{Database, TestIssuer};

use crate::harness::{Session, TestApp, config};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Without a token.
    Nobody,
    /// An administrator whose token has expired.
    Expired,
    /// An administrator's token with a signature that is not its own.
    Forged,
    /// An instructor of another issuer, with the same subject as the owner.
    Foreign,
    /// The least role.
    Apprentice,
    /// An instructor to whom none of the records belong.
    Instructor,
    /// The instructor to whom the records belong.
    Owner,
    /// The role that may everything.
    Administrator,
}

impl Caller {
    pub(crate) const ALL: [Self; 8] = [
        Self::Nobody,
        Self::Expired,
        Self::Forged,
        Self::Foreign,
        Self::Apprentice,
        Self::Instructor,
        Self::Owner,
        Self::Administrator,
    ];

    /// The head of its column.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Nobody => "none",
            Self::Expired => "exp",
            Self::Forged => "forg",
            Self::Foreign => "frgn",
            Self::Apprentice => "appr",
            Self::Instructor => "instr",
            Self::Owner => "owner",
            Self::Administrator => "admin",
        }
    }

    /// What its roles reach.
    pub(crate) fn role(self) -> Option<&'static str> {
        match self {
            Self::Nobody | Self::Expired | Self::Forged => None,
            Self::Apprentice => Some("apprentice"),
            Self::Foreign | Self::Instructor | Self::Owner => Some("instructor"),
            Self::Administrator => Some("administrator"),
        }
    }
}

/// A catalog that trusts another issuer beside itself, and the sessions of all callers.
pub(crate) struct Callers {
    pub(crate) app: TestApp,
    sessions: Vec<(Caller, Session)>,
    _issuer: TestIssuer,
}

impl Callers {
    pub(crate) async fn start(db: Database) -> Self {
        let issuer = TestIssuer::start();
        let trusted = format!(
            "[[identity.issuers]]\nissuer = \"{}\"\njwks_url = \"{}\"\nroles_claim = \"roles\"",
            issuer.issuer(),
            issuer.jwks_url()
        );
        let config = config(db.url(), &trusted);
        let app = TestApp::with(db, config, Registry::default()).await;
        let administrator = app.sign_in("administrator").await;
        let apprentice = app.sign_in("apprentice").await;
        let owner = app.sign_in("instructor").await;
        let expired = issuer.expired_token(&administrator.id, &["administrator"]);
        let foreign = issuer.token(&owner.id, &["instructor"]);
        let as_token = |token: String, like: &Session| Session { token, id: like.id.clone() };
        let sessions = vec![
            (Caller::Expired, as_token(expired, &administrator)),
            (Caller::Forged, as_token(forged(&administrator.token, &apprentice.token), &administrator)),
            (Caller::Foreign, as_token(foreign, &owner)),
            (Caller::Instructor, app.sign_in("instructor").await),
            (Caller::Apprentice, apprentice),
            (Caller::Owner, owner),
            (Caller::Administrator, administrator),
        ];
        Self { app, sessions, _issuer: issuer }
    }

    /// The session of a caller who has one.
    pub(crate) fn find(&self, caller: Caller) -> Option<&Session> {
        self.sessions.iter().find(|(known, _)| *known == caller).map(|(_, session)| session)
    }

    /// The session of a caller who must have one.
    pub(crate) fn session(&self, caller: Caller) -> &Session {
        self.find(caller).unwrap_or_else(|| panic!("{caller:?} has no session"))
    }
}

/// The claims of one token under the signature of another.
fn forged(claims: &str, signature: &str) -> String {
    let (said, _) = claims.rsplit_once('.').unwrap_or_default();
    let (_, signed) = signature.rsplit_once('.').unwrap_or_default();
    format!("{said}.{signed}")
}
