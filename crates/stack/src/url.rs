//! Just enough of a server URL: who, where, which database.

/// The parts of `scheme://user:password@host:port/path?query`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    pub(crate) scheme: String,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
}

impl ServerUrl {
    /// Reads a URL; `None` when it is not one.
    pub(crate) fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, password)) => (non_empty(user)?, non_empty(password)?),
            None => (None, None),
        };
        let (host, port) = split_port(place, default_port)?;
        (!host.is_empty()).then_some(())?;
        Some(Self { scheme: scheme.to_owned(), user, password, host, port, path: path.to_owned(), query })
    }

    /// `host:port`, to show and to connect to.
    pub(crate) fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The whole URL without its password: fit for an argument list.
    pub(crate) fn without_password(&self) -> String {
        Self { password: None, ..self.clone() }.to_text()
    }

    pub(crate) fn to_text(&self) -> String {
        let login = match (&self.user, &self.password) {
            (None, None) => String::new(),
            (user, None) => format!("{}@", encode(user.as_deref().unwrap_or_default())),
            (user, Some(password)) => {
                format!("{}:{}@", encode(user.as_deref().unwrap_or_default()), encode(password))
            }
        };
        let path = if self.path.is_empty() { String::new() } else { format!("/{}", self.path) };
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}://{login}{}{path}{query}", self.scheme, self.place())
    }
}

fn split_port(place: &str, default_port: u16) -> Option<(String, u16)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return match port.strip_prefix(':') {
            Some(port) => Some((host.to_owned(), port.parse().ok()?)),
            None => Some((host.to_owned(), default_port)),
        };
    }
    match place.rsplit_once(':') {
        Some((host, port)) => Some((host.to_owned(), port.parse().ok()?)),
        None => Some((place.to_owned(), default_port)),
    }
}

/// The outer `None`: not decodable. The inner one: empty, that is, not given.
fn non_empty(text: &str) -> Option<Option<String>> {
    if text.is_empty() { Some(None) } else { decode(text).map(Some) }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_survives_being_taken_apart() {
        for text in [
            "postgres://aldia:p%40ss@127.0.0.1:5432/postgres?sslmode=require",
            "redis://:secret@[::1]:6379",
            "nats://token@host:4222",
        ] {
            assert_eq!(ServerUrl::parse(text, 1).unwrap().to_text(), text);
        }
    }

    #[test]
    fn the_default_port_is_used_when_none_is_given() {
        assert_eq!(ServerUrl::parse("redis://cache", 6379).unwrap().place(), "cache:6379");
    }

    #[test]
    fn what_is_shown_holds_no_password() {
        let url = ServerUrl::parse("postgres://a:secret@h/db", 5432).unwrap();
        assert_eq!(url.without_password(), "postgres://a@h:5432/db");
    }

    #[test]
    fn nonsense_is_not_a_url() {
        for text in ["", "localhost:5432", "postgres://", "postgres://h:port/x", "redis://%zz@h"] {
            assert!(ServerUrl::parse(text, 1).is_none(), "{text}");
        }
    }
}
