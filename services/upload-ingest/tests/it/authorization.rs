//! Who may do what: every operation of the document, asked by everyone.

use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};

use crate::harness::{Answer, TestApp, media, number};
use crate::shelf::{CLIP, PHOTO, Shelf, text};

/// The operations that nobody needs a token for, as reviewed: `METHOD path`, one a line. Media and streams look at links.
const PUBLIC_ROUTES: &str = include_str!("public_routes.txt");

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Nobody,
    /// An administrator whose token has expired.
    Expired,
    /// An administrator's token with a signature that is not its own.
    Forged,
    /// Somebody to whom nothing of it belongs.
    Other,
    Owner,
    Moderator,
    Administrator,
}

impl Caller {
    const ALL: [Self; 7] = [
        Self::Nobody,
        Self::Expired,
        Self::Forged,
        Self::Other,
        Self::Owner,
        Self::Moderator,
        Self::Administrator,
    ];

    fn token(self, app: &TestApp) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Expired => Some(app.issuer.expired_token("root", &["administrator"])),
            Self::Forged => {
                let token = app.token("root", &["administrator"]);
                let (signed, signature) = token.rsplit_once('.').unwrap();
                let other = if signature.starts_with('A') { "B" } else { "A" };
                let rest: String = signature.chars().skip(1).collect();
                Some(format!("{signed}.{other}{rest}"))
            }
            Self::Other => Some(app.token("bob", &[])),
            Self::Owner => Some(app.token("ada", &[])),
            Self::Moderator => Some(app.token("mod", &["moderator"])),
            Self::Administrator => Some(app.token("root", &["administrator"])),
        }
    }
}

/// One method of one path.
#[derive(Clone, Debug)]
struct Operation {
    method: Method,
    path: String,
    takes_nobody: bool,
}

impl Operation {
    fn all(document: &Json) -> Vec<Self> {
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (name, operation) in item.as_object().unwrap() {
                let Ok(method) = Method::from_bytes(name.to_uppercase().as_bytes()) else { continue };
                if name == "parameters" {
                    continue;
                }
                let security = operation.get("security").unwrap_or(&document["security"]).as_array().unwrap();
                let takes_nobody = security.is_empty() || security.contains(&json!({}));
                operations.push(Self { method, path: path.clone(), takes_nobody });
            }
        }
        operations.sort_by_key(Self::name);
        operations
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The statuses that this caller may be answered with, for an asset that is ada's and not public.
    fn expected(&self, caller: Caller) -> &'static [u16] {
        use Caller::{Administrator, Expired, Forged, Moderator, Nobody, Other, Owner};
        const FINE: &[u16] = &[200, 201, 202, 204];
        if matches!(caller, Expired | Forged) {
            return &[401];
        }
        let path = self.path.as_str();
        let is_media = path.starts_with("/media/");
        let is_live = path.ends_with("/events") || path.starts_with("/ws/");
        if self.takes_nobody && !is_media && !is_live {
            return FINE;
        }
        // Whoever may go through to the handshake is told that there is none.
        let fine = if path.starts_with("/ws/") { &[400] } else { FINE };
        let of_asset =
            path.contains("{id}") && !path.starts_with("/v1/uploads") && !path.starts_with("/v1/admin");
        let judges = path.ends_with("/hide") || path.ends_with("/show");
        let changes = of_asset && !judges && !matches!(self.method, Method::GET | Method::HEAD);
        match caller {
            Nobody if is_media => &[404],
            Nobody => &[401],
            Other | Owner | Moderator if path.starts_with("/v1/admin") => &[403],
            Other if of_asset || path == "/v1/uploads/{id}" => &[404],
            // An upload is nobody's business but its owner's.
            Moderator | Administrator if path == "/v1/uploads/{id}" => &[404],
            Owner if judges => &[403],
            Moderator if changes => &[403],
            Other | Owner | Moderator | Administrator => fine,
            Expired | Forged => &[401],
        }
    }
}

/// What operations are asked about, made anew for each.
struct World<'a> {
    app: &'a TestApp,
    owner: String,
    shelf: Shelf<'a>,
}

impl World<'_> {
    /// A request that lacks nothing but perhaps the right to it.
    async fn request(&mut self, operation: &Operation, caller: Caller) -> RequestBuilder {
        let path = self.path(operation).await;
        let token = caller.token(self.app);
        let request = self.app.request(operation.method.clone(), &path, token.as_deref());
        match (operation.method.as_str(), operation.path.as_str()) {
            ("POST", "/v1/uploads") => request.header("Tus-Resumable", "1.0.0").header("Upload-Length", "5"),
            ("PATCH", "/v1/uploads/{id}") => request
                .header("Tus-Resumable", "1.0.0")
                .header("Upload-Offset", "0")
                .header("Content-Type", "application/offset+octet-stream")
                .body(vec![0xff, 0xd8, 0xff]),
            ("DELETE", "/v1/uploads/{id}") => request.header("Tus-Resumable", "1.0.0"),
            ("POST", "/v1/videos/upload" | "/v1/images") => {
                let file = if operation.path == "/v1/images" { PHOTO } else { CLIP };
                let (content_type, body) = crate::harness::form(None, file, media(file));
                request.header("content-type", content_type).body(body)
            }
            ("PUT", path) => request.body(media(if path == "/v1/images" { PHOTO } else { CLIP })),
            ("PATCH", _) => request.header("If-Match", "*").json(&json!({"title": "x"})),
            ("DELETE", _) => request.header("If-Match", "*"),
            _ => request,
        }
    }

    async fn path(&mut self, operation: &Operation) -> String {
        let template = operation.path.as_str();
        if !template.contains('{') {
            return template.to_owned();
        }
        if template == "/v1/uploads/{id}" {
            let begun = self.app.request(Method::POST, "/v1/uploads", Some(&self.owner));
            let begun = begun.header("Tus-Resumable", "1.0.0").header("Upload-Length", "5");
            return self.app.send(begun).await.expect(201).header("location").to_owned();
        }
        if template.starts_with("/media/") {
            let asset = if template.contains("{file}") {
                self.shelf.video(&self.owner, "private").await
            } else {
                self.shelf.photo(&self.owner, "private").await
            };
            let url = text(&asset["renditions"][0], "url");
            let url = url.split('?').next().unwrap();
            return match template.contains("{rung}") {
                true => url.replace("master.m3u8", "360p/index.m3u8"),
                false => url.to_owned(),
            };
        }
        let is_video = template.starts_with("/v1/videos");
        let dead = template.contains("/stages/") || template.starts_with("/v1/admin/dead-jobs");
        let asset = match (dead, is_video) {
            (true, true) => self.app.upload("videos", &self.owner, CLIP).await,
            (true, false) => self.app.upload("images", &self.owner, PHOTO).await,
            (false, true) => self.shelf.video(&self.owner, "private").await,
            (false, false) => self.shelf.photo(&self.owner, "private").await,
        };
        let mut id = text(&asset, "id").to_owned();
        if dead {
            self.shelf.give_up(&id, "probe").await;
        }
        if template.starts_with("/v1/admin/dead-jobs") {
            let admin = self.app.token("root", &["administrator"]);
            let jobs = self.app.get("/v1/admin/dead-jobs", Some(&admin)).await.json();
            let job = jobs["items"].as_array().unwrap().iter().find(|job| job["asset_id"] == id.as_str());
            id = text(job.unwrap(), "id").to_owned();
        }
        template.replace("{id}", &id).replace("{stage}", "probe")
    }
}

#[tokio::test]
async fn nobody_may_do_only_what_was_reviewed() {
    let app = TestApp::start().await;
    let document = app.get("/openapi.json", None).await.json();
    let open = Operation::all(&document).into_iter().filter(|operation| operation.takes_nobody);
    let open: Vec<String> = open.map(|operation| operation.name()).collect();
    let reviewed: Vec<&str> = PUBLIC_ROUTES.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(open, reviewed, "public_routes.txt lists what the document leaves open");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_admits_exactly_whom_it_should() {
    let app = TestApp::start().await;
    let document = app.get("/openapi.json", None).await.json();
    let mut world = World { app: &app, owner: app.token("ada", &[]), shelf: Shelf::of(&app).await };
    let (mut rows, mut wrong, mut visited) = (Vec::new(), Vec::new(), BTreeSet::new());
    let operations = Operation::all(&document);
    for operation in &operations {
        let mut row = format!("{:<48}", operation.name());
        for caller in Caller::ALL {
            let request = world.request(operation, caller).await;
            let before = changes(&app).await;
            let answer = app.send(request).await;
            visited.insert(operation.name());
            row.push_str(&format!("{:>6}", answer.status.as_u16()));
            let expected = operation.expected(caller);
            let at = format!("{} as {caller:?}: {}", operation.name(), answer.text());
            if !expected.contains(&answer.status.as_u16()) {
                wrong.push(format!("{expected:?} is expected: {at}"));
            }
            wrong.extend(leaks(caller, &answer).map(|fault| format!("{fault}: {at}")));
            if !answer.status.is_success() && changes(&app).await != before {
                wrong.push(format!("a refusal changed something: {at}"));
            }
        }
        rows.push(row);
    }
    eprintln!("{:<48}{:?}\n{}", "", Caller::ALL, rows.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(visited.len(), operations.len(), "every operation is asked for");
    app.stop().await;
}

/// What is wrong with a refusal.
fn leaks(caller: Caller, answer: &Answer) -> Option<String> {
    if answer.status == 401 {
        let challenge = answer.header("www-authenticate");
        let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
        let expected = if caller == Caller::Expired { "token_expired" } else { "unauthenticated" };
        let has_body = !answer.body.is_empty();
        if !challenge.starts_with("Bearer") || (has_body && code != expected) {
            return Some(format!("{expected} is expected with a challenge, not {code} {challenge:?}"));
        }
    }
    let is_refused = matches!(answer.status.as_u16(), 401 | 403 | 404);
    (is_refused && answer.header("cache-control") != "no-store").then(|| "a refusal may be kept".to_owned())
}

/// Everything that operations change.
async fn changes(app: &TestApp) -> i64 {
    let sql = "SELECT ((SELECT coalesce(sum(version), 0) FROM asset) + (SELECT count(*) FROM outbox) \
               + (SELECT count(*) FROM upload) + (SELECT coalesce(sum(max_attempts), 0) FROM job))::bigint AS number";
    number(&app.db, sql).await
}
