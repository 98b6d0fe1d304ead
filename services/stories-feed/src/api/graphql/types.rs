//! The types of the schema. They are read from the JSON that REST sends, so that a value is the same in both.

use std::collections::BTreeMap;

use async_graphql::{ID, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};
use serde::{Deserialize, Deserializer};

/// An instant in UTC, as RFC 3339 writes it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Instant(pub(super) String);

#[Scalar(name = "DateTime")]
impl ScalarType for Instant {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A number of bytes, which may be more than an `Int` can say.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Bytes(pub(super) u64);

#[Scalar]
impl ScalarType for Bytes {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => {
                number.as_u64().map(Self).ok_or_else(|| InputValueError::expected_type(value))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

/// Somebody, as members see each other.
#[derive(Clone, Debug, Deserialize, SimpleObject)]
pub(super) struct User {
    /// Its id.
    pub(super) id: ID,
    /// What the catalog calls it; null until that has told.
    name: Option<String>,
    /// Where its picture is.
    avatar_url: Option<String>,
    /// The same as `avatarUrl`.
    #[serde(skip)]
    avatar: Option<String>,
}

impl User {
    /// With everything that stands for something else.
    pub(super) fn complete(mut self) -> Self {
        self.avatar.clone_from(&self.avatar_url);
        self
    }
}

/// What was trained or reached.
#[derive(Clone, Debug, Deserialize, SimpleObject)]
pub(super) struct Workout {
    /// What was done.
    exercise: String,
    /// How much of it.
    value: f64,
    /// Of what: `kg`, `lb`, `m`, `km`, `mi`, `s`, `min`, `reps` or `kcal`.
    unit: String,
    /// In how many sets.
    #[serde(default)]
    sets: Option<i32>,
    /// With how many repetitions each.
    #[serde(default)]
    reps: Option<i32>,
}

/// The picture or video of a story.
#[derive(Clone, Debug, Deserialize, SimpleObject)]
pub(super) struct Media {
    /// `image` or `video`.
    kind: String,
    /// In pixels.
    width: Option<i32>,
    /// In pixels.
    height: Option<i32>,
    /// How long it plays, in milliseconds; null of a picture.
    duration_ms: Option<i32>,
    /// What to show while it loads.
    blurhash: Option<String>,
    /// The same in another form.
    thumbhash: Option<String>,
    /// The colour that most of it has, `#rrggbb`.
    dominant_color: Option<String>,
    /// The files that were made of it, the smallest first.
    pub(super) renditions: Vec<Rendition>,
}

/// A file that was made of a picture or video.
#[derive(Clone, Debug, Deserialize, SimpleObject)]
pub(super) struct Rendition {
    /// Which of the sizes.
    name: String,
    /// The extension of its files.
    pub(super) format: String,
    /// Its media type.
    content_type: String,
    /// Where it is; it never changes there.
    pub(super) url: String,
    /// Its size.
    pub(super) bytes: Bytes,
    /// In pixels.
    pub(super) width: Option<i32>,
    /// In pixels.
    height: Option<i32>,
}

/// How often a story was reacted to with an emoji.
#[derive(Clone, Debug, SimpleObject)]
pub(super) struct ReactionCount {
    /// The emoji.
    emoji: String,
    /// How often.
    count: i32,
}

/// A story that is shown to the caller.
#[derive(Clone, Debug, Deserialize, SimpleObject)]
pub(super) struct Story {
    /// Its id.
    pub(super) id: ID,
    /// Who posted it.
    pub(super) user: Option<User>,
    /// `image`, `video`, `text`, `workout` or `achievement`.
    r#type: String,
    /// What its author says.
    caption: Option<String>,
    /// Who sees it beside its author: `public`, `followers`, `close_friends` or `private`.
    privacy: String,
    /// What was trained or reached.
    workout: Option<Workout>,
    /// Its picture or video.
    pub(super) media: Option<Media>,
    /// Where the file is that this client is to load: the one of `mediaPlan`, or the smallest where the plan has none for it.
    #[graphql(name = "media_url")]
    #[serde(skip)]
    pub(super) media_url: Option<String>,
    /// The same as `media_url`.
    #[graphql(name = "mediaUrl")]
    #[serde(skip)]
    pub(super) also_media_url: Option<String>,
    /// How long a client shows it, in seconds.
    display_secs: i32,
    /// Whether its author wants replies.
    can_reply: bool,
    /// Whether its author wants reactions.
    can_react: bool,
    /// Whether it comes before its author's others.
    is_pinned: bool,
    /// Since when it is shown; null of what is not.
    published_at: Option<Instant>,
    /// From this instant on it is not.
    expires_at: Option<Instant>,
    /// Whether the caller has seen it. Nobody has to see what is their own.
    has_viewed: bool,
    /// The emoji by which the caller has reacted.
    reaction: Option<String>,
    /// How often it was reacted to, in the order of emojis.
    #[serde(deserialize_with = "counts")]
    reactions: Vec<ReactionCount>,
}

fn counts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ReactionCount>, D::Error> {
    let counts = BTreeMap::<String, i32>::deserialize(deserializer)?;
    Ok(counts.into_iter().map(|(emoji, count)| ReactionCount { emoji, count }).collect())
}

/// Where a page stands in its list.
#[derive(Clone, Debug, Default, SimpleObject)]
pub(super) struct PageInfo {
    /// Whether more comes after it.
    pub(super) has_next_page: bool,
    /// Whether something came before it.
    pub(super) has_previous_page: bool,
    /// The cursor of its first entry.
    pub(super) start_cursor: Option<String>,
    /// The cursor of its last entry: `after` for the next page.
    pub(super) end_cursor: Option<String>,
}
