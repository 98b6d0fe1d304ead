//! What is asked at the private port, checked before anything is done.

use http::Uri;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use problem::{Problem, registry};
use serde::Deserialize;

/// As on the public port, by default.
const LONGEST_URL: usize = 8_192;
const MOST_FIELDS: usize = 100;
const MOST_GROUPS: usize = 1_000;
/// As services may name them.
const LONGEST_GROUP: usize = 200;

/// A GET that somebody wants explained.
#[derive(Clone, Debug)]
pub struct ExplainRequest {
    /// With scheme and authority.
    pub url: Uri,
    /// The request fields that are to be assumed. `Authorization` is the asker's own.
    pub fields: HeaderMap,
}

/// What is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All answers that belong to one of these groups.
    Groups {
        /// The domain whose groups they are; `None`: those of every domain, and of answers without one.
        domain: Option<String>,
        /// At least one, each of 1 to 200 visible ASCII characters.
        groups: Vec<String>,
    },
    /// All answers of one address, with scheme and authority, whatever their variants and audiences.
    Url(Uri),
    /// Everything.
    All,
}

/// A purge that is well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// What is to be forgotten.
    pub target: Target,
    /// Whether answers stay and are validated before they are used again, instead of being thrown away.
    pub soft: bool,
}

/// The body of `POST /_cache/purge`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PurgeBody {
    domain: Option<String>,
    groups: Option<Vec<String>>,
    url: Option<String>,
    all: Option<bool>,
    #[serde(default)]
    soft: bool,
}

impl ExplainRequest {
    /// Reads the parameters of `GET /_cache/explain`: one `url`, and any number of `header`s.
    pub(super) fn read(parameters: &[(String, String)], own: Option<&HeaderValue>) -> Result<Self, Problem> {
        let mut url = None;
        let mut fields = HeaderMap::new();
        for (name, value) in parameters {
            match name.as_str() {
                "url" if url.is_some() => return Err(invalid("?url", "is there twice")),
                "url" => url = Some(read_url(value).map_err(|reason| invalid("?url", reason))?),
                "header" if fields.len() >= MOST_FIELDS => {
                    return Err(invalid("?header", "is there too often"));
                }
                "header" => {
                    let (name, value) = read_field(value).map_err(|reason| invalid("?header", reason))?;
                    fields.append(name, value);
                }
                other => return Err(invalid(&format!("?{other}"), "unknown parameter; known: url, header")),
            }
        }
        if let Some(own) = own {
            fields.insert(AUTHORIZATION, own.clone());
        }
        let url = url.ok_or_else(|| invalid("?url", "is missing"))?;
        Ok(Self { url, fields })
    }
}

impl PurgeBody {
    /// `domains` are those there are.
    pub(super) fn check(self, domains: &[String]) -> Result<Purge, Problem> {
        let named = [self.groups.is_some(), self.url.is_some(), self.all.is_some()];
        if named.into_iter().filter(|named| *named).count() != 1 {
            return Err(unfit("", "one_of", "give exactly one of `groups`, `url` and `all`"));
        }
        if self.domain.is_some() && self.groups.is_none() {
            return Err(unfit("/domain", "not_here", "says whose groups are meant; there are no `groups`"));
        }
        if let Some(domain) = &self.domain
            && !domains.contains(domain)
        {
            let known = if domains.is_empty() { "none".to_owned() } else { domains.join(", ") };
            return Err(unfit(
                "/domain",
                "unknown_value",
                format!("there is no such domain; there is: {known}"),
            ));
        }
        let target = match (self.groups, self.url) {
            (Some(groups), _) => {
                check_groups(&groups)?;
                Target::Groups { domain: self.domain, groups }
            }
            (None, Some(url)) => {
                Target::Url(read_url(&url).map_err(|reason| unfit("/url", "invalid", reason))?)
            }
            (None, None) if self.all == Some(true) => Target::All,
            (None, None) => return Err(unfit("/all", "invalid_value", "must be true, or not be there")),
        };
        Ok(Purge { target, soft: self.soft })
    }
}

fn check_groups(groups: &[String]) -> Result<(), Problem> {
    if groups.is_empty() || groups.len() > MOST_GROUPS {
        return Err(unfit("/groups", "wrong_length", format!("must have 1 to {MOST_GROUPS} names")));
    }
    for (index, group) in groups.iter().enumerate() {
        let is_visible = group.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_visible || !(1..=LONGEST_GROUP).contains(&group.len()) {
            let rule = format!("must have 1 to {LONGEST_GROUP} visible ASCII characters");
            return Err(unfit(&format!("/groups/{index}"), "invalid", rule));
        }
    }
    Ok(())
}

fn read_url(text: &str) -> Result<Uri, String> {
    if text.len() > LONGEST_URL {
        return Err(format!("is longer than {LONGEST_URL} bytes"));
    }
    let url: Uri = text.parse().map_err(|error| format!("is no URL: {error}"))?;
    if matches!(url.scheme_str(), Some("http" | "https")) {
        return Ok(url);
    }
    // Answers are kept by address, and the address of the same path under another host is another one.
    Err("must begin with `http://` or `https://`, and have the host that clients use".to_owned())
}

fn read_field(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("must be written `Name: value`")?;
    let name: HeaderName = name.parse().map_err(|_| "has no name of a field before the colon".to_owned())?;
    if name == AUTHORIZATION {
        // What stands in a URL stands in histories and logs.
        return Err("must not be Authorization: send that as a field of this request".to_owned());
    }
    let value = HeaderValue::from_str(value.trim_matches([' ', '\t']));
    Ok((name, value.map_err(|_| "has a value that no field can have".to_owned())?))
}

fn invalid(pointer: &str, reason: impl Into<String>) -> Problem {
    Problem::new(&registry::INVALID_PARAMETER).field(pointer, "invalid", reason.into())
}

fn unfit(pointer: &str, code: &'static str, reason: impl Into<String>) -> Problem {
    Problem::new(&registry::VALIDATION_FAILED).field(pointer, code, reason.into())
}
