//! `tracestate` (W3C Trace Context level 2, section 3.3): joined, checked and bounded.

/// List members a header may have; one with more is dropped whole.
const MAX_MEMBERS: usize = 32;
/// Characters that are always passed on. Past it, long members go first, then the oldest.
const MAX_CHARS: usize = 512;
/// A member longer than this goes first when there is too much.
const LONG_MEMBER_CHARS: usize = 128;

/// Joins all `tracestate` lines of a request into one. `None` when there is nothing to pass on: no member, or a
/// fault, which spoils the whole list. Of a repeated key the first, newest member stays.
pub(crate) fn join<'l>(lines: impl Iterator<Item = &'l [u8]>) -> Option<String> {
    let mut members: Vec<&str> = Vec::new();
    let mut keys: Vec<&str> = Vec::new();
    for line in lines {
        for member in std::str::from_utf8(line).ok()?.split(',') {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            if !valid_key(key) || !valid_value(value) || members.len() >= MAX_MEMBERS {
                return None;
            }
            if !keys.contains(&key) {
                keys.push(key);
                members.push(member);
            }
        }
    }
    shorten(&mut members);
    (!members.is_empty()).then(|| members.join(","))
}

fn shorten(members: &mut Vec<&str>) {
    while joined_len(members) > MAX_CHARS {
        match members.iter().rposition(|member| member.len() > LONG_MEMBER_CHARS) {
            Some(long) => drop(members.remove(long)),
            None => drop(members.pop()),
        }
    }
}

fn joined_len(members: &[&str]) -> usize {
    members.iter().map(|member| member.len() + 1).sum::<usize>().saturating_sub(1)
}

/// A simple key, or `tenant@system` with at most 241 and 14 characters.
fn valid_key(key: &str) -> bool {
    match key.split_once('@') {
        None => key.len() <= 256 && valid_name(key),
        Some((tenant, system)) => {
            tenant.len() <= 241
                && valid_name(tenant)
                && system.len() <= 14
                && system.starts_with(|first: char| first.is_ascii_lowercase())
                && valid_name(system)
        }
    }
}

fn valid_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
}

/// Surrounding blanks are already gone, so the rule "not ending in a blank" holds.
fn valid_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value.bytes().all(|byte| (0x20..=0x7e).contains(&byte) && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::join;

    fn lines(lines: &[&str]) -> Option<String> {
        join(lines.iter().map(|line| line.as_bytes()))
    }

    #[test]
    fn several_lines_are_one_list_in_their_order() {
        assert_eq!(lines(&["a=1, b=2", "", "c@d=3\t,,"]).as_deref(), Some("a=1,b=2,c@d=3"));
    }

    #[test]
    fn one_bad_member_spoils_the_list() {
        let bad = [
            "Foo=1",
            "foo@=1",
            "@foo=1",
            "foo@@bar=1",
            "foo@bar@baz=1",
            "foo=",
            "foo",
            "foo=a=b",
            "foo =1",
            "foo=\u{1}",
        ];
        for member in bad {
            assert_eq!(lines(&["good=1", member]), None, "{member}");
        }
    }

    #[test]
    fn key_lengths_are_bounded() {
        let tenant = "t".repeat(241);
        assert!(lines(&[&format!("{}=1", "z".repeat(256))]).is_some());
        assert!(lines(&[&format!("{}=1", "z".repeat(257))]).is_none());
        assert!(lines(&[&format!("{tenant}@{}=1", "v".repeat(14))]).is_some());
        assert!(lines(&[&format!("t{tenant}@v=1")]).is_none());
        assert!(lines(&[&format!("t@{}=1", "v".repeat(15))]).is_none());
    }

    #[test]
    fn thirty_two_members_pass_and_thirty_three_do_not() {
        let list = |count: usize| (0..count).map(|n| format!("k{n}=1")).collect::<Vec<_>>().join(",");
        assert!(lines(&[&list(32)]).is_some());
        assert!(lines(&[&list(33)]).is_none());
    }

    #[test]
    fn past_512_characters_long_members_go_first_then_the_oldest() {
        let member = |name: &str, len: usize| format!("{name}={}", "v".repeat(len - name.len() - 1));
        let list =
            [member("a", 100), member("long", 200), member("b", 120), member("c", 120), member("d", 100)];
        let kept = lines(&[&list.join(",")]).unwrap();
        assert!(!kept.contains("long=") && kept.contains("d="), "{kept}");
        let list: Vec<String> = ["a", "b", "c", "d", "e"].map(|name| member(name, 120)).to_vec();
        let kept = lines(&[&list.join(",")]).unwrap();
        assert!(kept.contains("d=") && !kept.contains("e="), "{kept}");
    }

    #[test]
    fn of_a_repeated_key_the_newest_stays() {
        assert_eq!(lines(&["a=1,b=2,a=3"]).as_deref(), Some("a=1,b=2"));
    }
}
