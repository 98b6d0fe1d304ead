//! The file's name in `Content-Disposition` (RFC 6266), which is how the draft's clients tell it.

/// The name the client gives, without any folders; `None` where there is none that could name a file. The disposition type
/// does not matter, and `filename*` is preferred.
pub(crate) fn file_name(field: &str) -> Option<String> {
    let parameters = parameters(field);
    let named = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let extended = named("filename*").and_then(|value| extended_value(value));
    base_name(&extended.or_else(|| named("filename").cloned())?)
}

/// What follows the last slash of either kind, if it can name a file.
pub(crate) fn base_name(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let usable = !matches!(name, "" | "." | "..") && !name.chars().any(char::is_control);
    usable.then(|| name.to_owned())
}

/// The parameters with their names in lower case, in order; what cannot be read ends the list.
fn parameters(field: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = field.split_once(';').map_or("", |(_kind, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim().to_ascii_lowercase();
        let Some((value, after)) = take_value(after.trim_start()) else { break };
        found.push((name, value));
        let Some(next) = after.trim_start().strip_prefix(';') else { break };
        rest = next;
    }
    found
}

/// A token or quoted string off the front, with what follows it.
fn take_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end)?;
        return Some((value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

/// `UTF-8'language'percent-encoded` (RFC 8187).
fn extended_value(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { hex(rest.next()?)? * 16 + hex(rest.next()?)? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_draft_gives_the_name() {
        let field = "inline; filename=\"file name.jpg\"; filename*=UTF-8''file%20name.jpg";
        assert_eq!(file_name(field).as_deref(), Some("file name.jpg"));
    }

    #[test]
    fn names_are_read_in_every_form() {
        for (field, expected) in [
            ("attachment; filename=a.mp4", Some("a.mp4")),
            ("inline;FileName = \"a \\\"b\\\"; c.mp4\"", Some("a \"b\"; c.mp4")),
            ("inline; filename*=utf-8'de'%c3%a4.mp4", Some("ä.mp4")),
            ("inline; filename=plain; filename*=UTF-8''better", Some("better")),
            ("inline; filename=plain; filename*=ISO-8859-1''%e4", Some("plain")),
            ("inline; filename=plain; filename*=UTF-8''%f", Some("plain")),
            ("inline; filename=\"../../etc/passwd\"", Some("passwd")),
            ("inline; filename=\"C:\\\\Users\\\\a.mp4\"", Some("a.mp4")),
            ("inline; filename=\"..\"", None),
            ("inline; filename=\"unfinished", None),
            ("inline; filename*=UTF-8''a%00b", None),
            ("inline", None),
            ("", None),
        ] {
            assert_eq!(file_name(field).as_deref(), expected, "{field}");
        }
    }
}
