//! What an owner may change of an asset.

use serde::{Deserialize, Deserializer, Serialize};

use super::asset::Visibility;

/// A change as the client sends it (RFC 7396): what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssetPatch {
    /// Another title; `null` takes it away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<Option<String>>,
    /// Who may see it once it is processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) visibility: Option<WrittenVisibility>,
}

/// A visibility as it is written in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WrittenVisibility {
    /// Its owner.
    Private,
    /// Anybody.
    Public,
}

impl From<WrittenVisibility> for Visibility {
    fn from(written: WrittenVisibility) -> Self {
        match written {
            WrittenVisibility::Private => Self::Private,
            WrittenVisibility::Public => Self::Public,
        }
    }
}

impl AssetPatch {
    /// Whether fewer people may see the asset after it.
    pub(crate) fn may_take_from_view(&self) -> bool {
        self.visibility == Some(WrittenVisibility::Private)
    }
}

/// Tells `null` from nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<AssetPatch> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn null_takes_the_title_away_and_nothing_leaves_it() {
        assert_eq!(read("{}").unwrap(), AssetPatch::default());
        assert_eq!(read(r#"{"title":null}"#).unwrap().title, Some(None));
        assert_eq!(read(r#"{"title":"A"}"#).unwrap().title, Some(Some("A".to_owned())));
        assert_eq!(read(r#"{"owner_id":"x"}"#), None);
        assert_eq!(read(r#"{"visibility":"hidden"}"#), None);
    }

    #[test]
    fn what_was_sent_is_written_the_same_again() {
        for json in ["{}", r#"{"title":null}"#, r#"{"title":"A","visibility":"public"}"#] {
            assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), json);
        }
    }

    #[test]
    fn only_a_step_back_takes_from_view() {
        assert!(read(r#"{"visibility":"private"}"#).unwrap().may_take_from_view());
        assert!(!read(r#"{"visibility":"public","title":"A"}"#).unwrap().may_take_from_view());
    }
}
