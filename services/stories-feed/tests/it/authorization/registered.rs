//! The paths that the service registers, read from its sources: a route that is added and not put into the matrix is found here.
//!
//! It holds as long as every route is registered by a `web::resource` with its whole path as a literal, which is checked.

use std::collections::BTreeSet;
use std::path::Path;

/// What registers a path.
const RESOURCE: &str = "web::resource(";

/// Other ways to register one, none of which the service may use beside it.
const OTHER_WAYS: [&str; 9] = [
    "web::scope(",
    ".route(\"",
    "web::redirect(",
    ".external_resource(",
    "#[get(",
    "#[post(",
    "#[put(",
    "#[patch(",
    "#[delete(",
];

/// All of them.
///
/// # Panics
/// Where a path is registered in another way.
pub(super) fn paths() -> BTreeSet<&'static str> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut texts = vec![std::fs::read_to_string(source.join("routes.rs")).unwrap()];
    read(&source.join("api"), &mut texts);
    texts.iter().flat_map(|text| of(text)).collect()
}

fn read(folder: &Path, texts: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn of(text: &str) -> Vec<&'static str> {
    for other in OTHER_WAYS {
        assert!(!text.contains(other), "{other} registers a path that the matrix does not see");
    }
    let literal = |rest: &str| {
        let path = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
        path.unwrap_or_else(|| {
            panic!("a path that is no literal: {RESOURCE}{}", rest.lines().next().unwrap())
        })
        .to_owned()
    };
    // A test may keep what it has read to its end.
    text.split(RESOURCE).skip(1).map(|rest| &*literal(rest).leak()).collect()
}
