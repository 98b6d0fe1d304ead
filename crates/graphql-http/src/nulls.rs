//! What becomes of a value that could not be had: it is null where it may be, and else takes what it stands in with it ("Handling
//! execution errors" of the GraphQL specification). The engine leaves the entry out and everything around it in.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::registry::MetaTypeName;
use async_graphql::{PathSegment, QueryPathNode, QueryPathSegment, ServerError, Value};

type Path = Vec<PathSegment>;

/// What went wrong so far in one request.
#[derive(Default)]
pub(crate) struct Nulls {
    /// Most requests have none, and pay nothing.
    any: AtomicBool,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    errors: Vec<ServerError>,
    /// What is null for an error: objects that hold a null which must not be, and items.
    broken: Vec<Path>,
}

impl Nulls {
    /// Takes note of an error of the field, or of the item of a list, at this place. Its value is null.
    pub(crate) fn failed(&self, node: &QueryPathNode<'_>, ty: &str, mut error: ServerError) {
        let path = path_of(node);
        if error.path.is_empty() {
            error.path.clone_from(&path);
        }
        self.with(|found| {
            found.errors.push(error);
            if is_item(node) {
                // What that means for the list is seen to with the field that it belongs to.
                found.broken.push(path);
            } else {
                found.nulled(path, ty);
            }
        });
        self.any.store(true, Ordering::Release);
    }

    /// The value of the field at this place, after what became of its parts.
    pub(crate) fn resolved(&self, node: &QueryPathNode<'_>, ty: &str, mut value: Value) -> Value {
        if !self.any() {
            return value;
        }
        let path = path_of(node);
        self.with(|found| {
            let mut is_broken = false;
            // Below this field lie only places in its lists: those of fields below were seen to before.
            found.broken.retain(|broken| match broken.strip_prefix(path.as_slice()) {
                Some(places) => {
                    puncture(&mut value, ty, places);
                    is_broken = true;
                    false
                }
                None => true,
            });
            if is_broken && matches!(value, Value::Null) {
                found.nulled(path, ty);
            }
        });
        value
    }

    /// Whether anything went wrong.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// The errors; and whether the whole answer went with one of them.
    pub(crate) fn finish(&self) -> (Vec<ServerError>, bool) {
        self.with(|found| (std::mem::take(&mut found.errors), found.broken.iter().any(Vec::is_empty)))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Found) -> T) -> T {
        work(&mut self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Found {
    /// The field at this place is null: where it must not be, the object that it is of breaks.
    fn nulled(&mut self, mut path: Path, ty: &str) {
        if MetaTypeName::create(ty).is_non_null() {
            path.pop();
            self.broken.push(path);
        }
    }
}

/// Makes null what lies at a place in lists within one another, and the lists that must not hold it.
fn puncture(value: &mut Value, ty: &str, places: &[PathSegment]) {
    let hold = match (places.split_first(), MetaTypeName::create(ty).unwrap_non_null(), &mut *value) {
        (Some((PathSegment::Index(index), places)), MetaTypeName::List(inner), Value::List(items)) => {
            match items.get_mut(*index) {
                Some(item) => {
                    puncture(item, inner, places);
                    !(matches!(item, Value::Null) && MetaTypeName::create(inner).is_non_null())
                }
                None => true,
            }
        }
        // Already gone with another of its parts.
        (Some(_), ..) => true,
        (None, ..) => false,
    };
    if !hold {
        *value = Value::Null;
    }
}

/// Whether this is the place of an item in a list. The type that the engine names there is not to be relied on.
pub(crate) fn is_item(node: &QueryPathNode<'_>) -> bool {
    matches!(node.segment, QueryPathSegment::Index(_))
}

fn path_of(node: &QueryPathNode<'_>) -> Path {
    let mut path: Path = std::iter::once(node)
        .chain(node.parents())
        .map(|node| match node.segment {
            QueryPathSegment::Index(index) => PathSegment::Index(index),
            QueryPathSegment::Name(name) => PathSegment::Field(name.to_owned()),
        })
        .collect();
    path.reverse();
    path
}
