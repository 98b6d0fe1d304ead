//! Why a story is reported.

use serde::{Deserialize, Serialize};

/// What is wrong with a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// It advertises.
    Spam,
    /// It does not belong here.
    Inappropriate,
    /// It hurts somebody.
    Harassment,
    /// It shows or asks for violence.
    Violence,
    /// It misleads.
    FalseInformation,
    /// Something else, as the message says.
    Other,
}

impl Reason {
    /// Its name, in the API and in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Inappropriate => "inappropriate",
            Self::Harassment => "harassment",
            Self::Violence => "violence",
            Self::FalseInformation => "false_information",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_one_name_everywhere() {
        for name in ["spam", "inappropriate", "harassment", "violence", "false_information", "other"] {
            let reason: Reason = serde_json::from_str(&format!("\"{name}\"")).unwrap();
            assert_eq!(reason.as_str(), name);
        }
        assert!(serde_json::from_str::<Reason>("\"boring\"").is_err());
    }
}
