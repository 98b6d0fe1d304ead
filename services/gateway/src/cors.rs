//! Cross-origin requests by the Fetch standard (§3.2 "HTTP CORS protocol").
//!
//! The gateway answers preflights itself, before authentication (a preflight carries no credentials), and adds the
//! fields that let a page read an answer. Every answer needs them, refusals too: a page cannot read a 401 or 429
//! without. CORS keeps no request away; it only says which pages may read what comes back.

mod config;
mod origin;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

pub use self::config::CorsConfig;
use self::config::is_token;
use self::origin::Pattern;

/// What a preflight's answer depends on.
const PREFLIGHT_VARY: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/// The configuration made ready for requests.
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    origins: Origins,
    methods: Option<HeaderValue>,
    headers: Option<HeaderValue>,
    exposed: Option<HeaderValue>,
    credentials: bool,
    max_age: HeaderValue,
}

#[derive(Clone, Debug)]
enum Origins {
    /// CORS is left to the upstreams.
    Off,
    Any,
    Listed(Vec<Pattern>),
}

impl Cors {
    /// Takes over a configuration without [faults](CorsConfig::faults); of one with faults, what is not valid is left
    /// out.
    #[must_use]
    pub(crate) fn new(config: &CorsConfig) -> Self {
        let origins = if config.allow_origins.is_empty() {
            Origins::Off
        } else if config.allow_origins.iter().any(|origin| origin == "*") && !config.allow_credentials {
            Origins::Any
        } else {
            Origins::Listed(
                config.allow_origins.iter().filter_map(|origin| Pattern::parse(origin).ok()).collect(),
            )
        };
        Self {
            origins,
            methods: list(&config.allow_methods),
            headers: list(&config.allow_headers),
            exposed: list(&config.expose_headers),
            credentials: config.allow_credentials,
            max_age: HeaderValue::from(config.max_age_secs),
        }
    }

    /// The answer to a CORS-preflight request: `OPTIONS` with `Origin` and `Access-Control-Request-Method`. None for
    /// every other request, plain `OPTIONS` too, which goes the common way.
    ///
    /// It states the whole policy and leaves the comparison to the browser, as the standard has it. A page of an origin
    /// that is not allowed gets no field that allows anything.
    #[must_use]
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<()>> {
        if matches!(self.origins, Origins::Off) || *method != Method::OPTIONS {
            return None;
        }
        single(headers, &ORIGIN)?;
        single(headers, &ACCESS_CONTROL_REQUEST_METHOD)?;
        let mut answer = Response::new(());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let fields = answer.headers_mut();
        fields.insert(VARY, HeaderValue::from_static(PREFLIGHT_VARY));
        if self.allow(headers, fields) {
            set(fields, ACCESS_CONTROL_ALLOW_METHODS, self.methods.as_ref());
            set(fields, ACCESS_CONTROL_ALLOW_HEADERS, self.headers.as_ref());
            set(fields, ACCESS_CONTROL_MAX_AGE, Some(&self.max_age));
        }
        Some(answer)
    }

    /// Makes the fields of any other answer, an upstream's or the gateway's own, say what this policy says and nothing
    /// else: an upstream's `Access-Control-*` are removed, for a browser refuses an answer that has them twice.
    ///
    /// `Vary: Origin` is added whenever the answer depends on the origin, even to a request without one: a cache must
    /// not give a page the answer that it kept from a request without.
    pub(crate) fn decorate(&self, request_headers: &HeaderMap, response_headers: &mut HeaderMap) {
        if matches!(self.origins, Origins::Off) {
            return;
        }
        remove_all(response_headers);
        if matches!(self.origins, Origins::Listed(_)) {
            vary_by_origin(response_headers);
        }
        if self.allow(request_headers, response_headers) {
            set(response_headers, ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.as_ref());
        }
    }

    /// Whether it decides anything; else what upstreams say stands.
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self.origins, Origins::Off)
    }

    /// Sets the fields of a successful CORS check (Fetch §4.9), if the origin may have them.
    fn allow(&self, request: &HeaderMap, answer: &mut HeaderMap) -> bool {
        let allowed = match &self.origins {
            Origins::Off => None,
            // The same for everybody, with or without an origin, so that caches need not tell them apart.
            Origins::Any => Some(HeaderValue::from_static("*")),
            Origins::Listed(patterns) => single(request, &ORIGIN)
                .filter(|origin| {
                    origin.to_str().is_ok_and(|text| patterns.iter().any(|pattern| pattern.matches(text)))
                })
                .cloned(),
        };
        let Some(origin) = allowed else { return false };
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.credentials {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        true
    }
}

fn list(names: &[String]) -> Option<HeaderValue> {
    let names: Vec<_> = names.iter().map(String::as_str).filter(|name| is_token(name)).collect();
    if names.is_empty() { None } else { HeaderValue::try_from(names.join(", ")).ok() }
}

/// The only value of a field; none when it is missing or repeated.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<&HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value.clone());
    }
}

fn remove_all(headers: &mut HeaderMap) {
    let is_ours = |name: &&HeaderName| name.as_str().starts_with("access-control-");
    // Most answers have none, and then nothing is allocated.
    let names: Vec<_> = headers.keys().filter(is_ours).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Whether an answer says already that it depends on the origin.
pub(crate) fn varies_by_origin(headers: &HeaderMap) -> bool {
    headers.get_all(VARY).iter().any(|value| {
        value.as_bytes().split(|byte| *byte == b',').any(|member| {
            let member = member.trim_ascii();
            member == b"*" || member.eq_ignore_ascii_case(b"origin")
        })
    })
}

fn vary_by_origin(headers: &mut HeaderMap) {
    if !varies_by_origin(headers) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str]) -> Cors {
        Cors::new(&config(origins))
    }

    fn config(origins: &[&str]) -> CorsConfig {
        CorsConfig {
            allow_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            allow_methods: vec!["GET".to_owned(), "PUT".to_owned()],
            allow_headers: vec!["Authorization".to_owned(), "If-Match".to_owned()],
            expose_headers: vec!["ETag".to_owned(), "RateLimit".to_owned()],
            ..CorsConfig::default()
        }
    }

    fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn shown(headers: &HeaderMap) -> Vec<String> {
        let mut lines: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    fn decorated(
        cors: &Cors,
        request: &[(&'static str, &str)],
        answer: &[(&'static str, &str)],
    ) -> Vec<String> {
        let mut answer = fields(answer);
        cors.decorate(&fields(request), &mut answer);
        shown(&answer)
    }

    const PREFLIGHT: [(&str, &str); 3] = [
        ("origin", "https://app.example.org"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "authorization,if-match"),
    ];

    #[test]
    fn a_preflight_of_an_allowed_origin_states_the_policy() {
        let answer =
            cors(&["https://app.example.org"]).preflight(&Method::OPTIONS, &fields(&PREFLIGHT)).unwrap();
        assert_eq!(answer.status(), 204);
        assert_eq!(
            shown(answer.headers()),
            [
                "access-control-allow-headers: Authorization, If-Match",
                "access-control-allow-methods: GET, PUT",
                "access-control-allow-origin: https://app.example.org",
                "access-control-max-age: 600",
                "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            ]
        );
    }

    #[test]
    fn a_preflight_of_another_origin_allows_nothing() {
        let answer =
            cors(&["https://other.example.org"]).preflight(&Method::OPTIONS, &fields(&PREFLIGHT)).unwrap();
        assert_eq!(answer.status(), 204);
        assert_eq!(shown(answer.headers()), [format!("vary: {PREFLIGHT_VARY}")]);
    }

    #[test]
    fn only_a_real_preflight_is_answered() {
        let cors = cors(&["*"]);
        assert!(cors.preflight(&Method::OPTIONS, &fields(&PREFLIGHT)).is_some());
        assert!(cors.preflight(&Method::GET, &fields(&PREFLIGHT)).is_none());
        assert!(cors.preflight(&Method::OPTIONS, &fields(&PREFLIGHT[..1])).is_none(), "no method asked for");
        assert!(cors.preflight(&Method::OPTIONS, &fields(&PREFLIGHT[1..])).is_none(), "no origin");
        let twice = [PREFLIGHT[0], PREFLIGHT[0], PREFLIGHT[1]];
        assert!(cors.preflight(&Method::OPTIONS, &fields(&twice)).is_none(), "two origins");
    }

    #[test]
    fn without_origins_the_upstreams_word_stands() {
        let cors = cors(&[]);
        assert!(cors.preflight(&Method::OPTIONS, &fields(&PREFLIGHT)).is_none());
        let answer =
            decorated(&cors, &PREFLIGHT[..1], &[("access-control-allow-origin", "https://a.example")]);
        assert_eq!(answer, ["access-control-allow-origin: https://a.example"]);
    }

    #[test]
    fn an_answer_says_what_the_policy_says_and_nothing_twice() {
        let upstream = [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-origin", "https://evil.example"),
            ("access-control-allow-credentials", "true"),
            ("access-control-expose-headers", "x-secret"),
            ("access-control-allow-private-network", "true"),
            ("vary", "Accept-Encoding"),
        ];
        assert_eq!(
            decorated(&cors(&["https://app.example.org"]), &PREFLIGHT[..1], &upstream),
            [
                "access-control-allow-origin: https://app.example.org",
                "access-control-expose-headers: ETag, RateLimit",
                "vary: Accept-Encoding",
                "vary: Origin",
            ]
        );
        let stranger = [("origin", "https://evil.example")];
        assert_eq!(
            decorated(&cors(&["https://app.example.org"]), &stranger, &upstream),
            ["vary: Accept-Encoding", "vary: Origin"]
        );
    }

    #[test]
    fn an_answer_varies_by_origin_even_without_one_and_only_once() {
        let cors = cors(&["https://app.example.org"]);
        assert_eq!(decorated(&cors, &[], &[]), ["vary: Origin"]);
        let twice = [("origin", "https://app.example.org"), ("origin", "https://app.example.org")];
        assert_eq!(decorated(&cors, &twice, &[]), ["vary: Origin"], "two origins are none");
        assert_eq!(decorated(&cors, &[], &[("vary", "accept, ORIGIN")]), ["vary: accept, ORIGIN"]);
        assert_eq!(decorated(&cors, &[], &[("vary", "*")]), ["vary: *"]);
        assert_eq!(
            decorated(&cors, &[], &[("vary", "X-Origin")]),
            ["vary: Origin", "vary: X-Origin"],
            "part of a name is not the name"
        );
    }

    #[test]
    fn an_answer_for_everybody_does_not_vary() {
        let everybody = ["access-control-allow-origin: *", "access-control-expose-headers: ETag, RateLimit"];
        assert_eq!(decorated(&cors(&["*"]), &PREFLIGHT[..1], &[]), everybody);
        assert_eq!(decorated(&cors(&["*"]), &[], &[]), everybody);
    }

    #[test]
    fn credentials_are_allowed_to_named_origins_only() {
        let with = |origins: &[&str]| Cors::new(&CorsConfig { allow_credentials: true, ..config(origins) });
        let answer = decorated(&with(&["https://app.example.org"]), &PREFLIGHT[..1], &[]);
        assert_eq!(answer[0], "access-control-allow-credentials: true");
        assert_eq!(answer[1], "access-control-allow-origin: https://app.example.org");
        let unsound = decorated(&with(&["*"]), &PREFLIGHT[..1], &[]);
        assert_eq!(unsound, ["vary: Origin"], "a fault opens nothing");
    }
}
