//! Who is told of an event of a feed's log.

use uuid::Uuid;

use super::audience::{Relations, may_see};
use super::story::Privacy;

/// Whom an event concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Addressees {
    /// This viewer alone.
    pub(crate) viewer_id: Option<Uuid>,
    /// Who may see the stories of this author that have the privacy; without one, the author alone.
    pub(crate) author_id: Option<Uuid>,
    /// See there.
    pub(crate) privacy: Option<Privacy>,
}

impl Addressees {
    /// Whether a member who stands so to everybody is told.
    pub(crate) fn include(self, viewer: Uuid, relations: &Relations) -> bool {
        if let Some(only) = self.viewer_id {
            return only == viewer;
        }
        match (self.author_id, self.privacy) {
            (None, _) => true,
            (Some(author), None) => author == viewer,
            (Some(author), Some(privacy)) => may_see(privacy, relations.to(viewer, author)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_finds_those_whom_it_concerns() {
        let [author, follower, stranger] = [1, 2, 3].map(Uuid::from_u128);
        let follows = Relations { follows: vec![author], ..Relations::default() };
        let told = |addressees: Addressees| {
            [(author, &Relations::default()), (follower, &follows), (stranger, &Relations::default())]
                .map(|(viewer, relations)| addressees.include(viewer, relations))
        };
        let nobody_named = Addressees::default();
        assert_eq!(told(nobody_named), [true, true, true]);
        assert_eq!(told(Addressees { viewer_id: Some(stranger), ..nobody_named }), [false, false, true]);
        let of_author = Addressees { author_id: Some(author), ..nobody_named };
        assert_eq!(told(of_author), [true, false, false]);
        for (privacy, expected) in [
            (Privacy::Public, [true, true, true]),
            (Privacy::Followers, [true, true, false]),
            (Privacy::Private, [true, false, false]),
        ] {
            assert_eq!(told(Addressees { privacy: Some(privacy), ..of_author }), expected, "{privacy:?}");
        }
    }
}
