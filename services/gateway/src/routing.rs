//! From a method and a path to a route: a tree of segments, the most specific pattern first.
//!
//! At each segment a literal beats `*`, and both beat a last `*` that takes all that follows. The order in the file
//! plays no part. The pattern is chosen by the path alone; a method that none of its routes takes is 405, never a
//! fall-back to a wider pattern, so that a catch-all cannot answer for what a narrower route refuses.

use std::collections::BTreeMap;

use http::Method;
use thiserror::Error;

mod path;

pub use path::{PathFault, normalise};

/// Deeper patterns than this are refused; it also bounds the work of a lookup.
const DEEPEST_PATTERN: usize = 32;

/// What the router says about a request; `R` is whatever a route is to the caller.
#[derive(Debug, PartialEq, Eq)]
pub enum Matched<'a, R> {
    /// The route that answers.
    Route(&'a R),
    /// The path is known, the method is not: these are.
    MethodNotAllowed(Vec<&'a Method>),
    /// No pattern matches.
    NotFound,
}

/// Why a pattern cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternFault {
    /// Not a path in normal form.
    #[error("{0}")]
    Path(#[from] PathFault),
    /// A pattern has to be written the way a request is matched.
    #[error("is not in normal form; write `{0}`")]
    NotNormal(String),
    /// `*` inside a segment.
    #[error("`*` must be a whole segment, found `{0}`")]
    PartialWildcard(String),
    /// Too many segments.
    #[error("has more than {DEEPEST_PATTERN} segments")]
    TooDeep,
    /// Another route answers the same.
    #[error("can never be reached: {what} is already answered by route `{by}`")]
    Shadowed {
        /// Method and pattern.
        what: String,
        /// The name under which the other route was added.
        by: String,
    },
}

/// All routes of a configuration.
#[derive(Debug)]
pub struct Router<R> {
    root: Node<R>,
}

#[derive(Debug)]
struct Node<R> {
    literals: BTreeMap<String, Node<R>>,
    any: Option<Box<Node<R>>>,
    here: Leaf<R>,
    below: Leaf<R>,
}

#[derive(Debug)]
struct Leaf<R> {
    by_method: Vec<(Method, String, R)>,
    otherwise: Option<(String, R)>,
}

impl<R> Default for Leaf<R> {
    fn default() -> Self {
        Self { by_method: Vec::new(), otherwise: None }
    }
}

impl<R> Default for Node<R> {
    fn default() -> Self {
        Self { literals: BTreeMap::new(), any: None, here: Leaf::default(), below: Leaf::default() }
    }
}

impl<R> Default for Router<R> {
    fn default() -> Self {
        Self { root: Node::default() }
    }
}

impl<R: Clone> Router<R> {
    /// Adds a pattern for `methods` (none: any). `name` is what a later clash is reported with.
    ///
    /// # Errors
    /// Every [`PatternFault`] of this pattern; methods without a fault are added all the same.
    pub fn add(
        &mut self,
        pattern: &str,
        methods: &[Method],
        name: &str,
        route: &R,
    ) -> Result<(), Vec<PatternFault>> {
        check_pattern(pattern).map_err(|fault| vec![fault])?;
        let mut node = &mut self.root;
        let mut segments = pattern.split('/').skip(1).peekable();
        let leaf = loop {
            match (segments.next(), segments.peek().is_some()) {
                (None, _) => break &mut node.here,
                (Some("*"), false) => break &mut node.below,
                (Some("*"), true) => node = node.any.get_or_insert_default(),
                (Some(literal), _) => node = node.literals.entry(literal.to_owned()).or_default(),
            }
        };
        leaf.add(pattern, methods, name, route)
    }
}

impl<R> Router<R> {
    /// The route for a path in normal form (see [`normalise`]).
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Matched<'_, R> {
        let rest = path.strip_prefix('/').unwrap_or(path);
        self.root.leaf(Some(rest)).map_or(Matched::NotFound, |leaf| leaf.choose(method))
    }
}

impl<R> Node<R> {
    /// The leaf of the most specific pattern; `rest` is what is left of the path, `None` at its end.
    fn leaf(&self, rest: Option<&str>) -> Option<&Leaf<R>> {
        let Some(rest) = rest else {
            return self.here.is_used().then_some(&self.here);
        };
        let (segment, after) = match rest.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (rest, None),
        };
        self.literals
            .get(segment)
            .and_then(|node| node.leaf(after))
            .or_else(|| self.any.as_ref().filter(|_| !segment.is_empty()).and_then(|node| node.leaf(after)))
            .or_else(|| self.below.is_used().then_some(&self.below))
    }
}

impl<R> Leaf<R> {
    fn is_used(&self) -> bool {
        self.otherwise.is_some() || !self.by_method.is_empty()
    }

    fn choose(&self, method: &Method) -> Matched<'_, R> {
        let find = |wanted: &Method| self.by_method.iter().find(|(m, _, _)| m == wanted).map(|(_, _, r)| r);
        let found = find(method)
            .or_else(|| if *method == Method::HEAD { find(&Method::GET) } else { None })
            .or_else(|| self.otherwise.as_ref().map(|(_, route)| route));
        found.map_or_else(
            || Matched::MethodNotAllowed(self.by_method.iter().map(|(method, _, _)| method).collect()),
            Matched::Route,
        )
    }
}

impl<R: Clone> Leaf<R> {
    fn add(
        &mut self,
        pattern: &str,
        methods: &[Method],
        name: &str,
        route: &R,
    ) -> Result<(), Vec<PatternFault>> {
        let shadowed = |what: &str, by: &str| PatternFault::Shadowed {
            what: format!("{what} {pattern}"),
            by: by.to_owned(),
        };
        if methods.is_empty() {
            if let Some((by, _)) = &self.otherwise {
                return Err(vec![shadowed("any method of", by)]);
            }
            self.otherwise = Some((name.to_owned(), route.clone()));
            return Ok(());
        }
        let mut faults = Vec::new();
        for method in methods {
            match self.by_method.iter().find(|(taken, _, _)| taken == method) {
                Some((_, by, _)) => faults.push(shadowed(method.as_str(), by)),
                None => self.by_method.push((method.clone(), name.to_owned(), route.clone())),
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

fn check_pattern(pattern: &str) -> Result<(), PatternFault> {
    let normal = normalise(pattern)?;
    if normal != pattern {
        return Err(PatternFault::NotNormal(normal.into_owned()));
    }
    if let Some(partial) = pattern.split('/').find(|segment| segment.contains('*') && *segment != "*") {
        return Err(PatternFault::PartialWildcard(partial.to_owned()));
    }
    if pattern.split('/').count() > DEEPEST_PATTERN + 1 {
        return Err(PatternFault::TooDeep);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(patterns: &[(&str, &[Method], &'static str)]) -> Router<&'static str> {
        let mut router = Router::default();
        for (pattern, methods, name) in patterns {
            router.add(pattern, methods, name, name).unwrap();
        }
        router
    }

    #[test]
    fn the_most_specific_pattern_wins_whatever_the_order() {
        let mut patterns: Vec<(&str, &[Method], &'static str)> = vec![
            ("/*", &[], "all"),
            ("/v1/*", &[], "v1"),
            ("/v1/animals", &[], "animals"),
            ("/v1/animals/*", &[], "below animals"),
            ("/v1/*/stats", &[], "stats"),
            ("/v1/animals/stats", &[], "animal stats"),
        ];
        for _ in 0..patterns.len() {
            patterns.rotate_left(1);
            let router = router(&patterns);
            let find = |path| match router.find(&Method::GET, path) {
                Matched::Route(name) => *name,
                _ => "none",
            };
            assert_eq!(find("/"), "all");
            assert_eq!(find("/v1"), "all");
            assert_eq!(find("/v1/"), "v1");
            assert_eq!(find("/v1/animals"), "animals");
            assert_eq!(find("/v1/animals/"), "below animals");
            assert_eq!(find("/v1/animals/1/2"), "below animals");
            assert_eq!(find("/v1/animals/stats"), "animal stats");
            assert_eq!(find("/v1/breeds/stats"), "stats");
            assert_eq!(find("/v1/breeds/other"), "v1");
            assert_eq!(find("/v1/animalsx"), "v1");
        }
    }

    #[test]
    fn a_method_nobody_takes_is_refused_and_not_passed_to_a_wider_pattern() {
        let router = router(&[("/a", &[Method::GET, Method::PUT], "a"), ("/*", &[], "all")]);
        assert_eq!(
            router.find(&Method::POST, "/a"),
            Matched::MethodNotAllowed(vec![&Method::GET, &Method::PUT])
        );
        assert_eq!(router.find(&Method::HEAD, "/a"), Matched::Route(&"a"));
        assert_eq!(router.find(&Method::POST, "/b"), Matched::Route(&"all"));
    }

    #[test]
    fn a_route_for_some_methods_and_one_for_the_rest_live_together() {
        let router = router(&[("/a", &[Method::GET], "read"), ("/a", &[], "rest")]);
        assert_eq!(router.find(&Method::GET, "/a"), Matched::Route(&"read"));
        assert_eq!(router.find(&Method::DELETE, "/a"), Matched::Route(&"rest"));
        assert_eq!(router.find(&Method::GET, "/b"), Matched::NotFound);
    }

    #[test]
    fn patterns_that_cannot_work_are_named() {
        let mut router = router(&[("/a", &[Method::GET], "first"), ("/b", &[], "wide")]);
        let mut fault =
            |pattern: &str, methods: &[Method]| router.add(pattern, methods, "new", &"new").unwrap_err();
        assert_eq!(
            fault("/a", &[Method::GET]),
            [PatternFault::Shadowed { what: "GET /a".to_owned(), by: "first".to_owned() }]
        );
        assert!(matches!(fault("/b", &[]).as_slice(), [PatternFault::Shadowed { .. }]));
        assert_eq!(fault("/%61", &[]), [PatternFault::NotNormal("/a".to_owned())]);
        assert_eq!(fault("/a*", &[]), [PatternFault::PartialWildcard("a*".to_owned())]);
        assert_eq!(fault("a", &[]), [PatternFault::Path(PathFault::NotAPath)]);
        assert_eq!(fault("/a/../b", &[]), [PatternFault::Path(PathFault::DotSegment)]);
    }
}
