//! Targeted fields such as `CDN-Cache-Control` (RFC 9213): a dictionary of structured fields, not the grammar of
//! `Cache-Control`; one fault anywhere in it and the field is as good as absent.

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::directives::{MAX_SECONDS, ResponseDirectives, Restriction};

/// The directives of the field `name`, or `None` when it is absent, empty or malformed (§2.1).
pub(crate) fn parse(headers: &HeaderMap, name: &HeaderName) -> Option<ResponseDirectives> {
    let mut lines = headers.get_all(name).iter();
    let mut joined = lines.next()?.as_bytes().to_vec();
    for line in lines {
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(line.as_bytes());
    }
    let members: Dictionary = Parser::new(&joined).parse().ok()?;
    if members.is_empty() {
        return None;
    }
    let mut found = ResponseDirectives { targeted: true, ..ResponseDirectives::default() };
    for (name, entry) in &members {
        apply(&mut found, name.as_str(), entry);
    }
    Some(found)
}

fn apply(found: &mut ResponseDirectives, name: &str, entry: &ListEntry) {
    match name {
        "max-age" => found.max_age = Some(seconds(entry)),
        "s-maxage" => found.s_maxage = Some(seconds(entry)),
        "stale-while-revalidate" => found.stale_while_revalidate = Some(seconds(entry)),
        "stale-if-error" => found.stale_if_error = Some(seconds(entry)),
        "private" => found.private = restriction(entry),
        "no-cache" => found.no_cache = restriction(entry),
        "no-store" => found.no_store = restricts(entry),
        "must-revalidate" => found.must_revalidate = restricts(entry),
        "proxy-revalidate" => found.proxy_revalidate = restricts(entry),
        "no-transform" => found.no_transform = restricts(entry),
        "must-understand" => found.must_understand = restricts(entry),
        "public" => found.public = permits(entry),
        "immutable" => found.immutable = permits(entry),
        "principal" => found.principal = permits(entry),
        _ => {}
    }
}

fn value(entry: &ListEntry) -> Option<&BareItem> {
    match entry {
        ListEntry::Item(item) => Some(&item.bare_item),
        ListEntry::InnerList(_) => None,
    }
}

/// A lifetime is an integer; another type is not converted (§2.1), and makes the answer stale.
fn seconds(entry: &ListEntry) -> u32 {
    match value(entry) {
        Some(BareItem::Integer(seconds)) => {
            let seconds = i64::from(*seconds).clamp(0, i64::from(MAX_SECONDS));
            u32::try_from(seconds).unwrap_or(0)
        }
        _ => 0,
    }
}

/// A restriction holds unless it is the boolean false: a type it should not have does not lift it.
fn restricts(entry: &ListEntry) -> bool {
    !matches!(value(entry), Some(BareItem::Boolean(false)))
}

/// A permission is the boolean true and nothing else.
fn permits(entry: &ListEntry) -> bool {
    matches!(value(entry), Some(BareItem::Boolean(true)))
}

fn restriction(entry: &ListEntry) -> Restriction {
    match value(entry) {
        Some(BareItem::Boolean(false)) => Restriction::None,
        Some(BareItem::String(names)) => Restriction::from_names(names.as_str().as_bytes()),
        Some(BareItem::Token(name)) => Restriction::from_names(name.as_str().as_bytes()),
        _ => Restriction::Whole,
    }
}
