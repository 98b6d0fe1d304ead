//! What a gym decides for its stories, and what a caller may in it.

use problem::FieldError;

use super::people::{Caller, Role};

/// What stories may be reacted with unless a gym decides otherwise.
const DEFAULT_EMOJIS: [&str; 10] = ["👍", "❤️", "🔥", "💪", "👏", "😂", "😮", "😢", "🎉", "🙌"];

/// Longest name of a gym, most emojis and longest emoji, in characters; the database has the same bounds.
const MAX_NAME_CHARS: usize = 100;
const MAX_EMOJIS: usize = 10;
const MAX_EMOJI_CHARS: usize = 16;

/// What a gym decides for its stories; always within the bounds that the database has, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// As its members call it.
    pub(crate) name: String,
    /// What stories may be reacted with.
    pub(crate) emojis: Vec<String>,
    /// Stories that a member may post in 24 hours.
    pub(crate) max_stories_per_day: i32,
    /// How long authors keep their expired stories.
    pub(crate) archive_days: i32,
}

impl Policy {
    /// That of a gym that decides nothing but its name.
    pub(crate) fn named(name: String) -> Self {
        let emojis = DEFAULT_EMOJIS.map(str::to_owned).to_vec();
        Self { name, emojis, max_stories_per_day: 100, archive_days: 30 }
    }

    /// The same with its name trimmed, if it is a policy that a gym can have.
    ///
    /// # Errors
    /// All of its faults, each with the pointer of its member.
    pub(crate) fn checked(mut self) -> Result<Self, Vec<FieldError>> {
        self.name = self.name.trim().to_owned();
        let faults: Vec<FieldError> = [
            ("/name", name_fault(&self.name)),
            ("/emojis", emojis_fault(&self.emojis)),
            ("/max_stories_per_day", range_fault(self.max_stories_per_day, 1, 1000)),
            ("/archive_days", range_fault(self.archive_days, 1, 3650)),
        ]
        .into_iter()
        .filter_map(|(pointer, fault)| {
            let (code, message) = fault?;
            Some(FieldError { pointer: pointer.to_owned(), code, message })
        })
        .collect();
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }
}

type Fault = Option<(&'static str, String)>;

fn name_fault(name: &str) -> Fault {
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME_CHARS {
        return Some(("length", format!("must have 1 to {MAX_NAME_CHARS} characters")));
    }
    name.chars()
        .any(char::is_control)
        .then(|| ("control_character", "must not have control characters".to_owned()))
}

fn emojis_fault(emojis: &[String]) -> Fault {
    if emojis.is_empty() || emojis.len() > MAX_EMOJIS {
        return Some(("length", format!("must have 1 to {MAX_EMOJIS} entries")));
    }
    if !emojis.iter().all(|emoji| is_emoji(emoji)) {
        return Some((
            "not_an_emoji",
            format!("each must be one emoji of at most {MAX_EMOJI_CHARS} code points"),
        ));
    }
    let repeats =
        emojis.iter().enumerate().any(|(index, emoji)| emojis.iter().take(index).any(|other| other == emoji));
    repeats.then(|| ("repeated", "each may be given once".to_owned()))
}

/// Not all that Unicode calls an emoji is known here: what is surely none is refused.
fn is_emoji(text: &str) -> bool {
    let letters_or_blanks =
        |letter: char| letter.is_alphabetic() || letter.is_whitespace() || letter.is_control();
    !text.is_ascii() && text.chars().count() <= MAX_EMOJI_CHARS && !text.chars().any(letters_or_blanks)
}

fn range_fault(number: i32, least: i32, most: i32) -> Fault {
    let is_within = (least..=most).contains(&number);
    (!is_within).then(|| ("out_of_range", format!("must be a whole number from {least} to {most}")))
}

/// How a caller stands in a gym that it may know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What it is there, if it is a member.
    pub(crate) role: Option<Role>,
    is_administrator: bool,
}

impl Standing {
    /// That of a caller with this role; none to whom nothing of the gym may be told.
    pub(crate) fn of(caller: &Caller, role: Option<Role>) -> Option<Self> {
        let is_administrator = caller.is_administrator;
        (role.is_some() || is_administrator).then_some(Self { role, is_administrator })
    }

    /// Decides on members and policy.
    pub(crate) fn may_manage(self) -> bool {
        self.is_administrator || self.role == Some(Role::Owner)
    }

    /// Judges reports and removes stories.
    pub(crate) fn may_judge(self) -> bool {
        self.is_administrator || self.role >= Some(Role::Moderator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn caller(is_administrator: bool) -> Caller {
        Caller { id: Uuid::from_u128(1), is_administrator }
    }

    #[test]
    fn each_role_may_what_those_before_it_may() {
        let rights = |role| {
            Standing::of(&caller(false), role).map(|standing| (standing.may_judge(), standing.may_manage()))
        };
        assert_eq!(rights(None), None);
        assert_eq!(rights(Some(Role::Member)), Some((false, false)));
        assert_eq!(rights(Some(Role::Trainer)), Some((false, false)));
        assert_eq!(rights(Some(Role::Moderator)), Some((true, false)));
        assert_eq!(rights(Some(Role::Owner)), Some((true, true)));
        let administrator = Standing::of(&caller(true), None).unwrap();
        assert!(administrator.may_judge() && administrator.may_manage());
    }

    #[test]
    fn a_name_alone_is_a_policy() {
        let policy = Policy::named(" Iron ".to_owned()).checked().unwrap();
        assert_eq!((policy.name.as_str(), policy.emojis.len()), ("Iron", 10));
    }

    #[test]
    fn every_fault_is_told_with_its_member() {
        let policy =
            Policy { name: " ".to_owned(), emojis: Vec::new(), max_stories_per_day: 0, archive_days: 3651 };
        let pointers: Vec<String> =
            policy.checked().unwrap_err().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(pointers, ["/name", "/emojis", "/max_stories_per_day", "/archive_days"]);
    }

    #[test]
    fn what_is_no_emoji_is_refused() {
        for emoji in ["💪", "❤️", "1️⃣", "👨‍👩‍👧‍👦"] {
            assert!(is_emoji(emoji), "{emoji}");
        }
        for text in ["", "a", "ä", ":)", "💪 ", "💪a", "\u{7f}💪"] {
            assert!(!is_emoji(text), "{text}");
        }
        let twice = Policy { emojis: vec!["💪".to_owned(); 2], ..Policy::named("Iron".to_owned()) };
        assert_eq!(twice.checked().unwrap_err().first().map(|fault| fault.code), Some("repeated"));
    }
}
