//! A modest load from everybody's clients while things break: some reads that are known, some that must be asked of the database, and
//! some writes, of each service.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::system::{ACCOUNTS, PASSWORD, System};
use crate::freshness::dice::Dice;
use crate::freshness::pool::{Pool, Reply};
use crate::upload::media;

/// A client waits for so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// Packages that there are before the first read.
const PACKAGES: u32 = 500;
/// Beginning of paths of single records that do not exist: each is asked of the database, for no two are the same.
const STORY: &str = "/v1/stories/";
const PACKAGE: &str = "/v1/packages/";
const SPECIES: &str = "/v1/species/";

/// Somebody who signs in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    id: String,
    bearer: HeaderValue,
}

/// What is asked, again and again.
#[derive(Clone, Debug)]
enum Ask {
    Get(String),
    /// A record that nobody has.
    Unknown(&'static str),
    /// Parcels by a word that nobody has asked for.
    Search,
    AddSpecies,
    PostStory(String),
    Announce,
    Upload(Bytes),
}

/// How often each was answered with what.
pub(crate) type Answers = BTreeMap<String, u64>;

/// Who asks where, and with what.
#[derive(Clone)]
pub(crate) struct Load {
    door: Arc<Pool>,
    host: HeaderValue,
    persons: Vec<Person>,
    gym: String,
    picture: Bytes,
    answers: Arc<Mutex<Answers>>,
}

impl Load {
    /// Signs everybody in, and makes what is there before the first request.
    pub(crate) async fn prepare(system: &System) -> anyhow::Result<Self> {
        let door = system.places.door;
        let (pool, host) = (Arc::new(Pool::new(door)), host(door)?);
        let mut persons = Vec::new();
        for (name, _) in ACCOUNTS {
            persons.push(sign_in(&pool, &host, name).await?);
        }
        let mut dice = Dice::new(u64::from(std::process::id()), "alarms", 0);
        let gym = dice.uuid();
        system.sql("stories_feed", &gym_sql(&gym, &persons)).await?;
        system.sql("package_ledger", &desk_sql()).await?;
        let picture = media::small_picture(system.folder()).await?.bytes;
        Ok(Self { door: pool, host, persons, gym, picture, answers: Arc::default() })
    }

    /// What runs from the first to the last moment. Ends when the set is dropped.
    pub(crate) fn begin(&self) -> anyhow::Result<JoinSet<()>> {
        let feed = format!("/v1/gyms/{}/stories/feed", self.gym);
        let (mut clients, millis) = (JoinSet::new(), Duration::from_millis);
        for (number, (pause, ask)) in [
            (millis(150), Ask::Get("/v1/species?limit=20".to_owned())),
            (millis(400), Ask::Unknown(SPECIES)),
            (millis(2_000), Ask::AddSpecies),
            (millis(150), Ask::Get(feed.clone())),
            (millis(150), Ask::Get(feed)),
            (millis(500), Ask::Unknown(STORY)),
            (millis(4_000), Ask::PostStory(self.gym.clone())),
            (millis(200), Ask::Get("/v1/packages?limit=20".to_owned())),
            (millis(600), Ask::Search),
            (millis(400), Ask::Unknown(PACKAGE)),
            (millis(2_000), Ask::Announce),
            (millis(2_500), Ask::Upload(self.picture.clone())),
        ]
        .into_iter()
        .enumerate()
        {
            clients.spawn(self.client(number, self.door.clone(), ask, pause)?);
        }
        Ok(clients)
    }

    /// Readers of stories-feed who all need the database, at the gateway.
    pub(crate) fn crowd(&self, readers: usize) -> anyhow::Result<JoinSet<()>> {
        let mut clients = JoinSet::new();
        for number in 0..readers {
            clients.spawn(self.client(
                100 + number,
                self.door.clone(),
                Ask::Unknown(STORY),
                Duration::from_millis(20),
            )?);
        }
        Ok(clients)
    }

    /// Readers who go straight to a catalog: the gateway would send them to another one.
    pub(crate) fn straight(&self, to: SocketAddr, readers: usize) -> anyhow::Result<JoinSet<()>> {
        let (mut clients, pool) = (JoinSet::new(), Arc::new(Pool::new(to)));
        for number in 0..readers {
            clients.spawn(self.client(
                200 + number,
                Arc::clone(&pool),
                Ask::Unknown(SPECIES),
                Duration::ZERO,
            )?);
        }
        Ok(clients)
    }

    /// Writers of package-ledger, each of which asks Redis before and after.
    pub(crate) fn writers(&self, writers: usize) -> anyhow::Result<JoinSet<()>> {
        let mut clients = JoinSet::new();
        for number in 0..writers {
            clients.spawn(self.client(
                300 + number,
                self.door.clone(),
                Ask::Announce,
                Duration::from_millis(500),
            )?);
        }
        Ok(clients)
    }

    /// How often each was answered with what, so far.
    pub(crate) fn answers(&self) -> Answers {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn client(
        &self,
        number: usize,
        pool: Arc<Pool>,
        ask: Ask,
        pause: Duration,
    ) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
        // The first is the administrator, whose are all writes.
        let reads = matches!(ask, Ask::Get(_) | Ask::Unknown(STORY));
        let person = if reads { number % self.persons.len().max(1) } else { 0 };
        let person = self.persons.get(person).context("nobody signs in")?.clone();
        let (host, answers) = (self.host.clone(), Arc::clone(&self.answers));
        let mut dice = Dice::new(u64::from(std::process::id()), "alarms client", number);
        Ok(async move {
            loop {
                let Ok(request) = ask.request(&host, &person, &mut dice) else { return };
                let answer = match pool.exchange(request, PATIENCE).await {
                    Ok(reply) => format!("{} {}", ask.label(), reply.status.as_u16()),
                    Err(failure) => format!("{} {}", ask.label(), failure.label()),
                };
                *answers.lock().unwrap_or_else(PoisonError::into_inner).entry(answer).or_default() += 1;
                sleep(pause).await;
            }
        })
    }
}

impl Ask {
    fn label(&self) -> String {
        match self {
            Self::Get(path) => format!("GET {}", path.split('?').next().unwrap_or_default()),
            Self::Unknown(path) => format!("GET {path}unknown"),
            Self::Search => "GET /v1/packages?q=".to_owned(),
            Self::AddSpecies => "POST /v1/species".to_owned(),
            Self::PostStory(_) => "POST story".to_owned(),
            Self::Announce => "POST /v1/announcements".to_owned(),
            Self::Upload(_) => "PUT /v1/images".to_owned(),
        }
    }

    fn request(
        &self,
        host: &HeaderValue,
        person: &Person,
        dice: &mut Dice,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let word = dice.uuid();
        let (method, path, body) = match self {
            Self::Get(path) => ("GET", path.clone(), None),
            Self::Unknown(path) => ("GET", format!("{path}{word}"), None),
            Self::Search => {
                ("GET", format!("/v1/packages?limit=20&q={}", word.get(..8).unwrap_or_default()), None)
            }
            Self::AddSpecies => ("POST", "/v1/species".to_owned(), Some(json!({"name": word}))),
            Self::PostStory(gym) => {
                let story = json!({"type": "text", "caption": "still here", "privacy": "public"});
                ("POST", format!("/v1/gyms/{gym}/stories"), Some(story))
            }
            Self::Announce => ("POST", "/v1/announcements".to_owned(), Some(announcement(&word, dice))),
            Self::Upload(_) => ("PUT", "/v1/images?title=drill".to_owned(), None),
        };
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, host.clone());
        request = request.header(header::AUTHORIZATION, person.bearer.clone());
        if method != "GET" {
            request = request.header("idempotency-key", &word);
        }
        let body = match (self, body) {
            (Self::Upload(picture), _) => {
                request = request.header(header::CONTENT_TYPE, "image/jpeg");
                // No two are the same file.
                let mut mark = [0; 16];
                mark.copy_from_slice(word.as_bytes().get(..16).context("a word that is too short")?);
                media::marked(picture, &mark).into()
            }
            (_, Some(body)) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            (_, None) => Bytes::new(),
        };
        Ok(request.body(Full::new(body))?)
    }
}

fn announcement(word: &str, dice: &mut Dice) -> Value {
    let digits: String = word.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    json!({
        "guide_number": format!("DR{}", digits.to_uppercase()),
        "name": "Persona Uno",
        "phone": format!("+57300{:07}", dice.between(0, 9_999_999)),
    })
}

fn host(addr: SocketAddr) -> anyhow::Result<HeaderValue> {
    Ok(HeaderValue::from_str(&addr.to_string())?)
}

/// Tried for as long as the gateway finds nobody behind it.
async fn sign_in(pool: &Pool, host: &HeaderValue, name: &str) -> anyhow::Result<Person> {
    let body = json!({"username": name, "password": PASSWORD}).to_string();
    let mut last = String::new();
    for _ in 0..100 {
        let request = Request::post("/v1/auth/token")
            .header(header::HOST, host.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.clone())))?;
        match pool.exchange(request, PATIENCE).await {
            Ok(reply) if reply.status.is_success() => return person(&reply),
            Ok(reply) => last = format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body)),
            Err(failure) => last = failure.label().to_owned(),
        }
        sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("{name} cannot sign in: {last}")
}

fn person(reply: &Reply) -> anyhow::Result<Person> {
    let answer: Value = serde_json::from_slice(&reply.body)?;
    let token = answer.get("access_token").and_then(Value::as_str).context("a sign-in without a token")?;
    let claims = token.split('.').nth(1).context("a token without claims")?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
    let id = claims.get("sub").and_then(Value::as_str).context("a token of nobody")?.to_owned();
    Ok(Person { id, bearer: HeaderValue::from_str(&format!("Bearer {token}"))? })
}

/// A gym with everybody in it. The catalog's events about them may have come first.
fn gym_sql(gym: &str, persons: &[Person]) -> String {
    let mut sql = format!(
        "INSERT INTO gym (id, name, emojis, max_stories_per_day, created_at, updated_at) \
           VALUES ('{gym}', 'Drill', ARRAY['💪', '🔥', '👏'], 1000, now(), now());\n\
         INSERT INTO feed_clock (gym_id, epoch, seq) VALUES ('{gym}', gen_random_uuid(), 0);\n"
    );
    for (number, Person { id, .. }) in persons.iter().enumerate() {
        sql.push_str(&format!(
            "INSERT INTO person (id, name, is_active, catalog_version, updated_at) \
               VALUES ('{id}', 'Person {number}', true, 0, now()) ON CONFLICT DO NOTHING;\n\
             INSERT INTO member (gym_id, user_id, role, joined_at) VALUES ('{gym}', '{id}', 'member', now());\n"
        ));
    }
    sql
}

/// Packages that were announced.
fn desk_sql() -> String {
    format!(
        "INSERT INTO package (id, tracking_no, guide_number, size_class, status, tariff_id, version, announced_at, created_at, updated_at) \
           SELECT gen_random_uuid(), 'D-' || n || '-DRILL', 'DRILL' || n, 'small', 'announced', \
             '00000000-0000-7000-8000-000000000001', 1, now(), now(), now() FROM generate_series(1, {PACKAGES}) AS n;\n"
    )
}
