//! How often a story was reacted to, by emoji.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Reactions by emoji, those above zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Counts(BTreeMap<String, i64>);

impl Counts {
    /// After one person reacted with `new` in the place of `old`; either may be nothing.
    pub(crate) fn moved(mut self, old: Option<&str>, new: Option<&str>) -> Self {
        if let Some(old) = old {
            let count = self.0.remove(old).unwrap_or_default() - 1;
            if count > 0 {
                self.0.insert(old.to_owned(), count);
            }
        }
        if let Some(new) = new {
            *self.0.entry(new.to_owned()).or_default() += 1;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(counts: &Counts) -> String {
        serde_json::to_string(counts).unwrap()
    }

    #[test]
    fn a_change_takes_from_one_and_gives_to_another() {
        let two = Counts::default().moved(None, Some("a")).moved(None, Some("a"));
        assert_eq!(json(&two), r#"{"a":2}"#);
        assert_eq!(json(&two.clone().moved(Some("a"), Some("b"))), r#"{"a":1,"b":1}"#);
        assert_eq!(json(&two.clone().moved(Some("a"), Some("a"))), r#"{"a":2}"#);
        assert_eq!(json(&two.moved(Some("a"), None).moved(Some("a"), None)), "{}");
    }
}
