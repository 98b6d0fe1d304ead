//! Coding suffixes in the conditions of a request: the service knows versions, not codings.

use std::collections::HashSet;

use conditional::{EntityTag, MAX_TAGS};
use http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use problem::{Problem, registry};

/// Refuses conditions with more tags than any client has: each of them costs work here and in the service.
///
/// # Errors
/// 400 that names the field.
pub(crate) fn check_conditions(headers: &HeaderMap) -> Result<(), Problem> {
    for (name, written) in [(IF_NONE_MATCH, "If-None-Match"), (IF_MATCH, "If-Match")] {
        let elements =
            headers.get_all(&name).iter().filter_map(|value| value.to_str().ok()).flat_map(split_list);
        if elements.count() > MAX_TAGS {
            return Err(Problem::new(&registry::MALFORMED_REQUEST).field(
                written,
                "too_many",
                format!("must not list more than {MAX_TAGS} entity tags"),
            ));
        }
    }
    Ok(())
}

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
    let mut seen = HashSet::new();
    let stripped = tags_in(headers, name)?.into_iter().map(|tag| tag.strip_coding());
    let once: Vec<String> =
        stripped.filter(|tag| seen.insert(tag.clone())).map(|tag| tag.to_string()).collect();
    Some(once.join(", "))
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
    use http::header::HeaderValue;

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

    #[test]
    fn a_condition_lists_so_many_tags_over_all_its_lines_and_no_more() {
        let check = |lines: &[&[&str]]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(IF_MATCH, HeaderValue::from_str(&line.join(", ")).unwrap());
            }
            check_conditions(&headers).map_err(|problem| problem.kind().status)
        };
        let many = ["\"a,b\""; MAX_TAGS];
        assert_eq!(check(&[&many]), Ok(()));
        assert_eq!(check(&[&many, &["*"]]), Err(400));
        assert_eq!(check(&[]), Ok(()));
    }
}
