//! Coding suffixes in the conditions of a request: the service knows versions, not codings.

use actix_web::http::header::{HeaderMap, HeaderName};
use conditional::EntityTag;

/// The tags of a condition field; `None` when it is absent, `*`, or not a list of tags.
pub(crate) fn tags_in(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<EntityTag>> {
    let mut tags = Vec::new();
    for value in headers.get_all(name) {
        for element in split_list(value.to_str().ok()?) {
            tags.push(EntityTag::parse(element).ok()?);
        }
    }
    (!tags.is_empty()).then_some(tags)
}

/// The same field for the service: without suffixes and without repetition. `None`: pass it on as it is.
pub(crate) fn stripped_conditions(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut stripped: Vec<EntityTag> = Vec::new();
    for tag in tags_in(headers, name)? {
        let tag = tag.strip_coding();
        if !stripped.contains(&tag) {
            stripped.push(tag);
        }
    }
    Some(stripped.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// The elements of a comma-separated list in which commas may stand between quotes.
fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .map(str::trim)
    .filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderValue, IF_NONE_MATCH};

    fn stripped(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_NONE_MATCH, HeaderValue::from_static(value));
        }
        stripped_conditions(&headers, &IF_NONE_MATCH)
    }

    #[test]
    fn suffixes_are_taken_off_and_what_is_no_list_of_tags_stays() {
        assert_eq!(stripped(&["\"v;br\""]).as_deref(), Some("\"v\""));
        assert_eq!(stripped(&["\"v;br\", W/\"v;zstd\"", "\"v\""]).as_deref(), Some("\"v\", W/\"v\""));
        assert_eq!(stripped(&["\"a,b;gzip\" , \"c\""]).as_deref(), Some("\"a,b\", \"c\""));
        assert_eq!(stripped(&["\"v;deflate\""]).as_deref(), Some("\"v;deflate\""));
        assert_eq!(stripped(&["*"]), None);
        assert_eq!(stripped(&["v;br"]), None);
        assert_eq!(stripped(&[]), None);
    }
}
