//! Path templates of OpenAPI (`/v1/animals/{id}`), matched against requested paths.

/// A template, cut at its slashes.
#[derive(Debug)]
pub(crate) struct PathTemplate {
    template: String,
    segments: Vec<String>,
}

impl PathTemplate {
    pub(crate) fn new(template: &str) -> Self {
        Self { template: template.to_owned(), segments: template.split('/').map(str::to_owned).collect() }
    }

    /// Whether `path` is one of this template's; a parameter stands for something, and never for a slash.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let given: Vec<&str> = path.split('/').collect();
        given.len() == self.segments.len()
            && self.segments.iter().zip(given).all(|(segment, given)| segment_matches(segment, given))
    }

    /// Which of two matching templates is meant: concrete ones before templated ones, compared from the left, as OpenAPI says.
    pub(crate) fn rank(&self) -> Vec<bool> {
        self.segments.iter().map(|segment| !segment.contains('{')).collect()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.template
    }
}

/// A segment may have one parameter with text around it, such as `{id}:undelete`.
fn segment_matches(segment: &str, given: &str) -> bool {
    let parts = segment.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?.1)));
    match parts {
        None => segment == given,
        Some((before, after)) => {
            let value = given.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            value.is_some_and(|value| !value.is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_for_one_segment() {
        let template = PathTemplate::new("/v1/animals/{id}");
        assert!(template.matches("/v1/animals/7"));
        for other in ["/v1/animals", "/v1/animals/", "/v1/animals/7/", "/v1/animals/7/x", "/v1/breeds/7"] {
            assert!(!template.matches(other), "{other}");
        }
        let action = PathTemplate::new("/v1/animals/{id}:undelete");
        assert!(action.matches("/v1/animals/7:undelete") && !action.matches("/v1/animals/7"));
    }

    #[test]
    fn a_concrete_path_comes_before_a_templated_one() {
        let (concrete, templated) =
            (PathTemplate::new("/v1/animals/stats"), PathTemplate::new("/v1/animals/{id}"));
        assert!(concrete.rank() > templated.rank());
        assert!(PathTemplate::new("/a/{x}").rank() > PathTemplate::new("/{x}/b").rank());
    }
}
