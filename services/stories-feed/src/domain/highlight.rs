//! What a highlight may be, and which of its stories a viewer sees.

use std::collections::HashSet;

use problem::FieldError;
use uuid::Uuid;

use super::audience::{Relation, may_see};
use super::story::Privacy;

/// Longest title, in characters; the database has the same bound.
const MAX_TITLE_CHARS: usize = 50;
/// Most stories in one highlight.
pub(crate) const MAX_ITEMS: usize = 100;

/// The privacies of those stories of an author that somebody sees who stands so to the author, in a highlight as anywhere (T6).
pub(crate) fn audiences(relation: Relation) -> Vec<Privacy> {
    Privacy::ALL.iter().copied().filter(|privacy| may_see(*privacy, relation)).collect()
}

/// The title without blanks around it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn title(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || length > MAX_TITLE_CHARS {
        return Err(fault("/title", "length", format!("must have 1 to {MAX_TITLE_CHARS} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(fault("/title", "control_character", "must not have control characters".to_owned()));
    }
    Ok(text.to_owned())
}

/// Whether stories can stand in one highlight, each once.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn check_items(ids: &[Uuid]) -> Result<(), Vec<FieldError>> {
    if ids.len() > MAX_ITEMS {
        return Err(vec![fault("/items", "length", format!("must have at most {MAX_ITEMS} stories"))]);
    }
    let mut seen = HashSet::new();
    faults(ids, |id| !seen.insert(id), "repeated", "may be given once")
}

/// Whether all of these are among those that can be used.
///
/// # Errors
/// Which are not.
pub(crate) fn check_usable(ids: &[Uuid], usable: &[Uuid]) -> Result<(), Vec<FieldError>> {
    let message = "must be a story of yours that was published in this gym, and is not deleted";
    faults(ids, |id| !usable.contains(&id), "not_usable", message)
}

fn faults(
    ids: &[Uuid],
    mut is_faulty: impl FnMut(Uuid) -> bool,
    code: &'static str,
    message: &str,
) -> Result<(), Vec<FieldError>> {
    let faulty = ids.iter().enumerate().filter(|(_, id)| is_faulty(**id));
    let faults: Vec<FieldError> =
        faulty.map(|(index, _)| fault(&format!("/items/{index}"), code, message.to_owned())).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn fault(pointer: &str, code: &'static str, message: String) -> FieldError {
    FieldError { pointer: pointer.to_owned(), code, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_sees_of_it_what_may_be_seen_anywhere() {
        let stranger = Relation::default();
        let friend = Relation { is_close_friend: true, ..stranger };
        assert_eq!(audiences(Relation::SELF), Privacy::ALL);
        assert_eq!(audiences(stranger), [Privacy::Public]);
        assert_eq!(audiences(friend), [Privacy::Public, Privacy::CloseFriends]);
        assert_eq!(audiences(Relation { is_blocked: true, ..friend }), []);
    }

    #[test]
    fn a_title_is_short_and_of_one_line() {
        assert_eq!(title(" Best ").unwrap(), "Best");
        assert_eq!(title(&"ß".repeat(50)).unwrap().chars().count(), 50);
        for wrong in [" ", "a\nb", &"a".repeat(51)] {
            assert_eq!(title(wrong).unwrap_err().pointer, "/title", "{wrong}");
        }
    }

    #[test]
    fn faulty_stories_are_named_by_their_places() {
        let [one, two] = [1, 2].map(Uuid::from_u128);
        let pointers = |result: Result<(), Vec<FieldError>>| -> Vec<String> {
            result.unwrap_err().into_iter().map(|fault| fault.pointer).collect()
        };
        assert_eq!(check_items(&[one, two]), Ok(()));
        assert_eq!(pointers(check_items(&[one, two, one])), ["/items/2"]);
        assert_eq!(pointers(check_items(&vec![one; 101])), ["/items"]);
        assert_eq!(check_usable(&[one], &[two, one]), Ok(()));
        assert_eq!(pointers(check_usable(&[one, two], &[one])), ["/items/1"]);
    }
}
