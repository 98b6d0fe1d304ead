//! Reading a section so that every fault in it is found, not only the first.
//!
//! serde stops at the first key it does not like. Here the offending key is noted, taken out, and the section is read
//! again, until it reads or nothing is left that can be taken out.

use std::fmt;

use figment::error::Kind;
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

/// One thing that is wrong in the configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The path of the key as one would write it: `route[2].upstream`.
    pub key: String,
    /// What is wrong and, where there is a choice, what would be right.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// The faults found so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Fault { key: key.into(), message: message.into() });
    }

    pub(crate) fn into_vec(mut self) -> Vec<Fault> {
        self.0.sort();
        self.0.dedup();
        self.0
    }
}

/// More faults than this in one section and the file is not meant for this program.
const MOST_FAULTS_PER_SECTION: usize = 64;

/// Reads `value` as a `T`, noting every fault under `key`. `None` when nothing usable is left.
pub(crate) fn extract<T: DeserializeOwned>(mut value: Value, key: &str, faults: &mut Faults) -> Option<T> {
    for _ in 0..MOST_FAULTS_PER_SECTION {
        let error = match value.deserialize::<T>() {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let mut path = error.path.clone();
        let message = match &error.kind {
            Kind::UnknownField(name, known) => {
                if path.last() != Some(name) {
                    path.push(name.clone());
                }
                if known.is_empty() {
                    "unknown key".to_owned()
                } else {
                    format!("unknown key; known here: {}", known.join(", "))
                }
            }
            Kind::MissingField(name) => {
                path.push(name.clone().into_owned());
                "is missing".to_owned()
            }
            kind => kind.to_string(),
        };
        faults.add(written(key, path.iter().map(String::as_str)), message);
        if matches!(error.kind, Kind::MissingField(_)) || !remove(&mut value, &path) {
            return None;
        }
    }
    None
}

/// `key` and `path` as one would write them in the file; numbers become indices.
pub(crate) fn written<'a>(key: &str, path: impl Iterator<Item = &'a str>) -> String {
    let mut out = key.to_owned();
    for part in path {
        if part.is_empty() {
            continue;
        }
        if part.bytes().all(|b| b.is_ascii_digit()) {
            out.push_str(&format!("[{part}]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(part);
        }
    }
    out
}

fn remove(value: &mut Value, path: &[String]) -> bool {
    match (path, value) {
        ([last], Value::Dict(_, dict)) => dict.remove(last).is_some(),
        ([last], Value::Array(_, items)) => match last.parse::<usize>() {
            Ok(index) if index < items.len() => {
                items.remove(index);
                true
            }
            _ => false,
        },
        ([first, rest @ ..], Value::Dict(_, dict)) => dict.get_mut(first).is_some_and(|v| remove(v, rest)),
        ([first, rest @ ..], Value::Array(_, items)) => first
            .parse::<usize>()
            .ok()
            .and_then(|index| items.get_mut(index))
            .is_some_and(|v| remove(v, rest)),
        _ => false,
    }
}

/// Takes the table `name` out of `all`; a value of another kind is a fault.
pub(crate) fn take_table(all: &mut Dict, name: &str, faults: &mut Faults) -> Option<Dict> {
    match all.remove(name)? {
        Value::Dict(_, dict) => Some(dict),
        other => {
            faults.add(name, format!("must be a table, found {}", other.to_actual()));
            None
        }
    }
}
