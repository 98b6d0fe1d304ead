//! A story as its author posts it: what each kind needs and may have.

use problem::FieldError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::story::{Kind, MAX_CAPTION_CHARS, Privacy};
use super::workout::Workout;

/// What is wrong with a body, by place.
pub(crate) type Faults = Vec<FieldError>;

/// From and to how many hours a story is shown; the database has the same bounds.
pub(crate) const DURATION_HOURS: (i32, i32) = (1, 48);
/// From and to how many seconds a viewer shows a story.
pub(crate) const DISPLAY_SECS: (i32, i32) = (3, 120);
/// Longest name that a client gives to a request, in characters.
const MAX_MUTATION_ID_CHARS: usize = 100;

/// A story to be, as the client sends it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoryDraft {
    /// What it shows.
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// What its author says.
    #[serde(default)]
    pub(crate) caption: Option<String>,
    /// Who sees it beside its author.
    #[serde(default = "public")]
    pub(crate) privacy: Privacy,
    /// Of a workout or an achievement.
    #[serde(default)]
    pub(crate) workout: Option<Workout>,
    /// Of an image or a video.
    #[serde(default)]
    pub(crate) asset_id: Option<Uuid>,
    /// How long it is shown.
    #[serde(default = "a_day")]
    pub(crate) duration_hours: i32,
    /// How long a viewer shows it before the next.
    #[serde(default = "seven")]
    pub(crate) display_secs: i32,
    /// Whether viewers may reply.
    #[serde(default = "yes")]
    pub(crate) can_reply: bool,
    /// Whether viewers may react.
    #[serde(default = "yes")]
    pub(crate) can_react: bool,
    /// Whether it is shown before the author's others.
    #[serde(default)]
    pub(crate) is_pinned: bool,
    /// Whether it is published later.
    #[serde(default)]
    pub(crate) draft: bool,
    /// The client's name for this request, by which it knows its own echo.
    #[serde(default)]
    pub(crate) mutation_id: Option<String>,
}

impl StoryDraft {
    /// The same with texts as they are stored.
    ///
    /// # Errors
    /// All that is wrong with it, by place.
    pub(crate) fn checked(mut self) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        self.caption = self.caption.and_then(|text| caption(&text, &mut faults));
        self.workout = self.workout.map(|workout| workout.checked(&mut faults));
        let given = self.mutation_id.take();
        self.mutation_id =
            given.and_then(|text| line("/mutation_id", &text, MAX_MUTATION_ID_CHARS, &mut faults));
        range("/duration_hours", self.duration_hours, DURATION_HOURS, &mut faults);
        range("/display_secs", self.display_secs, DISPLAY_SECS, &mut faults);
        let captioned = faults.iter().any(|fault| fault.pointer == "/caption") || self.caption.is_some();
        if self.kind == Kind::Text && !captioned {
            fault("/caption", "required", "a text story says something", &mut faults);
        }
        let is_measured = matches!(self.kind, Kind::Workout | Kind::Achievement);
        belongs("/workout", self.workout.is_some(), is_measured, &mut faults);
        belongs("/asset_id", self.asset_id.is_some(), self.kind.has_media(), &mut faults);
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }
}

fn public() -> Privacy {
    Privacy::Public
}

fn a_day() -> i32 {
    24
}

fn seven() -> i32 {
    7
}

fn yes() -> bool {
    true
}

/// What a kind of story needs, and no other has.
fn belongs(pointer: &str, is_given: bool, is_wanted: bool, faults: &mut Faults) {
    match (is_given, is_wanted) {
        (false, true) => fault(pointer, "required", "a story of this type needs it", faults),
        (true, false) => fault(pointer, "not_allowed", "a story of this type has none", faults),
        _ => {}
    }
}

/// A caption as it is stored: without blanks around it, and none where nothing is left.
pub(super) fn caption(text: &str, faults: &mut Faults) -> Option<String> {
    text_of("/caption", text, MAX_CAPTION_CHARS, is_line_break, faults)
}

/// A text of several lines as it is stored, likewise.
pub(crate) fn message(pointer: &str, text: &str, max_chars: usize, faults: &mut Faults) -> Option<String> {
    text_of(pointer, text, max_chars, is_line_break, faults)
}

/// A text of one line, likewise.
pub(crate) fn line(pointer: &str, text: &str, max_chars: usize, faults: &mut Faults) -> Option<String> {
    text_of(pointer, text, max_chars, |_| false, faults)
}

fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\t')
}

fn text_of(
    pointer: &str,
    text: &str,
    max_chars: usize,
    allowed: fn(char) -> bool,
    faults: &mut Faults,
) -> Option<String> {
    let text = text.trim();
    if text.chars().any(|character| character.is_control() && !allowed(character)) {
        fault(pointer, "invalid_format", "control characters are not taken", faults);
        return None;
    }
    if text.chars().count() > max_chars {
        fault(pointer, "too_long", format!("at most {max_chars} characters are expected"), faults);
        return None;
    }
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number within its bounds.
pub(super) fn range(pointer: &str, number: i32, (least, most): (i32, i32), faults: &mut Faults) {
    if !(least..=most).contains(&number) {
        fault(pointer, "out_of_range", format!("must be from {least} to {most}"), faults);
    }
}

/// Adds a fault.
pub(crate) fn fault(pointer: &str, code: &'static str, message: impl Into<String>, faults: &mut Faults) {
    faults.push(FieldError { pointer: pointer.to_owned(), code, message: message.into() });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<StoryDraft> {
        serde_json::from_str(json).ok()
    }

    fn faults(json: &str) -> Vec<(String, &'static str)> {
        let checked = read(json).unwrap().checked();
        checked.err().into_iter().flatten().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let draft = read(r#"{"type":"text","caption":" Hello\n"}"#).unwrap().checked().unwrap();
        assert_eq!(draft.caption.as_deref(), Some("Hello"));
        assert_eq!((draft.privacy, draft.duration_hours, draft.display_secs), (Privacy::Public, 24, 7));
        assert!(draft.can_reply && draft.can_react && !draft.is_pinned && !draft.draft);
        assert_eq!(read(r#"{"type":"text","caption":"x","state":"active"}"#), None);
        assert_eq!(read(r#"{"caption":"x"}"#), None);
    }

    #[test]
    fn each_type_needs_what_it_shows_and_has_nothing_else() {
        let asset = r#""asset_id":"00000000-0000-0000-0000-000000000001""#;
        let workout = r#""workout":{"exercise":"x","value":1,"unit":"kg"}"#;
        for kind in Kind::ALL {
            let (image, measured) = (kind.has_media(), matches!(kind, Kind::Workout | Kind::Achievement));
            let bare = format!(r#"{{"type":"{}","caption":"x"}}"#, kind.as_str());
            let expected: &[(String, &str)] = match (image, measured) {
                (true, _) => &[("/asset_id".to_owned(), "required")],
                (_, true) => &[("/workout".to_owned(), "required")],
                _ => &[],
            };
            assert_eq!(faults(&bare), expected, "{bare}");
            let full = format!(r#"{{"type":"{}","caption":"x",{asset},{workout}}}"#, kind.as_str());
            let refused = faults(&full);
            let expected = [("/workout", measured), ("/asset_id", image)]
                .into_iter()
                .filter(|(_, wanted)| !wanted)
                .map(|(pointer, _)| (pointer.to_owned(), "not_allowed"))
                .collect::<Vec<_>>();
            assert_eq!(refused, expected, "{full}");
        }
        assert_eq!(faults(r#"{"type":"text","caption":"  "}"#), [("/caption".to_owned(), "required")]);
    }

    #[test]
    fn what_is_out_of_bounds_is_told_with_its_place() {
        let long = "x".repeat(501);
        for (members, pointer, code) in [
            (format!(r#""caption":"{long}""#), "/caption", "too_long"),
            (r#""caption":"a\u0000""#.to_owned(), "/caption", "invalid_format"),
            (r#""caption":"a","duration_hours":0"#.to_owned(), "/duration_hours", "out_of_range"),
            (r#""caption":"a","duration_hours":49"#.to_owned(), "/duration_hours", "out_of_range"),
            (r#""caption":"a","display_secs":121"#.to_owned(), "/display_secs", "out_of_range"),
            (r#""caption":"a","mutation_id":"a\nb""#.to_owned(), "/mutation_id", "invalid_format"),
        ] {
            let json = format!(r#"{{"type":"text",{members}}}"#);
            assert_eq!(faults(&json), [(pointer.to_owned(), code)], "{json}");
        }
        // Characters are counted, not bytes.
        assert_eq!(faults(&format!(r#"{{"type":"text","caption":"{}"}}"#, "🏋".repeat(500))), []);
    }
}
