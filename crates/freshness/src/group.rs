//! What changes together: names of groups, and sets of them as they stand in a header field (RFC 9875).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use problem::{Problem, registry};

const MAX_BYTES: usize = 200;
/// More than this in one read or write is taken for a mistake: Redis is held up for all of them at once.
const MAX_GROUPS: usize = 4096;

/// Why something is no group, or no set of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// Nothing would ever change it.
    #[error("at least one group is needed")]
    Empty,
    /// More than 4096 groups.
    #[error("too many groups")]
    TooMany,
    /// A name is 1 to 200 visible ASCII characters, without a space.
    #[error("a group is named by 1 to 200 visible ASCII characters")]
    Name,
    /// Not a list of strings in the syntax of structured fields (RFC 9651).
    #[error("not a list of strings")]
    Syntax,
}

/// 500: a service names its groups itself, so a wrong one is a defect.
impl From<GroupError> for Problem {
    fn from(error: GroupError) -> Self {
        Self::new(&registry::INTERNAL).cause(error)
    }
}

/// Names something that changes together: `animals`, `animals/42`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group(Arc<str>);

impl Group {
    /// Accepts 1 to 200 visible ASCII characters, without a space.
    ///
    /// # Errors
    /// [`GroupError::Name`] for anything else.
    pub fn new(name: impl Into<Arc<str>>) -> Result<Self, GroupError> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX_BYTES || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(GroupError::Name);
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of groups, never empty, in the order of their names. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups(Arc<[Group]>);

impl Groups {
    /// The set of `groups`; what stands in it twice counts once.
    ///
    /// # Errors
    /// [`GroupError::Empty`] and [`GroupError::TooMany`].
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Result<Self, GroupError> {
        let set: BTreeSet<Group> = groups.into_iter().collect();
        match set.len() {
            0 => Err(GroupError::Empty),
            1..=MAX_GROUPS => Ok(Self(set.into_iter().collect())),
            _ => Err(GroupError::TooMany),
        }
    }

    /// The set of the groups with these names.
    ///
    /// # Errors
    /// As [`Group::new`] and [`Groups::new`].
    pub fn of<N: Into<Arc<str>>>(names: impl IntoIterator<Item = N>) -> Result<Self, GroupError> {
        let groups = names.into_iter().map(Group::new).collect::<Result<Vec<_>, _>>()?;
        Self::new(groups)
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.0.iter()
    }

    /// How many; never zero.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of `Cache-Groups` or `Cache-Group-Invalidation`: a list of strings (RFC 9875 §2, RFC 9651 §4.1).
    #[must_use]
    pub fn render(&self) -> String {
        let mut value = String::with_capacity(self.0.iter().map(|group| group.as_str().len() + 4).sum());
        for group in self.iter() {
            value.push_str(if value.is_empty() { "\"" } else { ", \"" });
            for character in group.as_str().chars() {
                if matches!(character, '"' | '\\') {
                    value.push('\\');
                }
                value.push(character);
            }
            value.push('"');
        }
        value
    }

    /// Reads such a value. Parameters of members have no meaning (RFC 9875 §2) and are not accepted.
    ///
    /// # Errors
    /// [`GroupError::Syntax`] for what is no list of strings, otherwise as [`Groups::of`].
    pub fn parse(value: &str) -> Result<Self, GroupError> {
        let mut rest = value.trim_matches(' ');
        let mut names = Vec::new();
        while !rest.is_empty() {
            let (name, after) = string(rest)?;
            names.push(Group::new(name)?);
            if names.len() > MAX_GROUPS {
                return Err(GroupError::TooMany);
            }
            let after = after.trim_start_matches([' ', '\t']);
            rest = match after.strip_prefix(',') {
                Some(next) if !next.trim().is_empty() => next.trim_start_matches([' ', '\t']),
                None if after.is_empty() => after,
                _ => return Err(GroupError::Syntax),
            };
        }
        Self::new(names)
    }
}

impl From<Group> for Groups {
    fn from(group: Group) -> Self {
        Self([group].into())
    }
}

/// One string of a structured field (RFC 9651 §4.2.5) and what follows it.
fn string(text: &str) -> Result<(String, &str), GroupError> {
    let mut characters = text.strip_prefix('"').ok_or(GroupError::Syntax)?.chars();
    let mut value = String::new();
    loop {
        match characters.next() {
            Some('"') => return Ok((value, characters.as_str())),
            Some('\\') => match characters.next() {
                Some(escaped @ ('"' | '\\')) => value.push(escaped),
                _ => return Err(GroupError::Syntax),
            },
            Some(plain @ ' '..='~') => value.push(plain),
            _ => return Err(GroupError::Syntax),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_ordered_and_without_repetition() {
        let groups = Groups::of(["b", "a", "b"]).unwrap();
        assert_eq!(groups.render(), r#""a", "b""#);
        assert_eq!(groups, Groups::of(["a", "b"]).unwrap());
        assert_eq!(Groups::of(Vec::<String>::new()), Err(GroupError::Empty));
        assert_eq!(Groups::of((0..=4096).map(|n| n.to_string())), Err(GroupError::TooMany));
    }

    #[test]
    fn a_name_is_visible_ascii_of_bounded_length() {
        assert!(Group::new("animals/42?a=\"b\"\\").is_ok());
        for name in ["", "a b", "a\n", "käse", &"a".repeat(201)] {
            assert_eq!(Group::new(name), Err(GroupError::Name), "{name:?}");
        }
    }

    #[test]
    fn what_is_rendered_is_read_again() {
        for names in [vec!["animals"], vec!["a\"b", "c\\d", "e,f"], vec!["animals", "animals/42"]] {
            let groups = Groups::of(names).unwrap();
            assert_eq!(Groups::parse(&groups.render()), Ok(groups));
        }
        assert_eq!(Groups::parse(" \"a\"\t,  \"b\" "), Groups::of(["a", "b"]));
    }

    #[test]
    fn what_is_no_list_of_strings_is_refused() {
        for value in
            ["a", "\"a", "\"a\",", "\"a\" \"b\"", "\"a\";x=1", ",\"a\"", "\"\\a\"", "(\"a\")", "\"é\""]
        {
            assert_eq!(Groups::parse(value), Err(GroupError::Syntax), "{value}");
        }
        assert_eq!(Groups::parse(""), Err(GroupError::Empty));
        assert_eq!(Groups::parse("\"a b\""), Err(GroupError::Name));
    }
}
