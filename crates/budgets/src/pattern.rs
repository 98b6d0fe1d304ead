//! Names of operations in which `*` stands for any letters, or none.

pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match name.split_once(part) {
            Some((_, after)) => name = after,
            None => return false,
        }
    }
    name.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_letters_and_the_rest_for_itself() {
        for (pattern, name) in
            [("get_user", "get_user"), ("get_*", "get_user"), ("get_*_stats", "get_users_stats"), ("*", "x")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("get_user", "get_users"),
            ("get_*_stats", "get_users"),
            ("get_*_stats", "get_stats"),
            ("*_a_*_b", "x_a_b"),
            ("list_*", "get_list_x"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
