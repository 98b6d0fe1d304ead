//! The clients: each keeps a socket open, notes when it heard of which story, and comes back from where it was when it is cut.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::stream::{self, TryStreamExt as _};
use http::HeaderValue;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::socket::{Heard, Socket};

/// Handshakes under way at the same time.
const AT_ONCE: usize = 64;

/// What all clients know.
pub(super) struct Crowd {
    doors: Vec<SocketAddr>,
    path: String,
    clients: Vec<Client>,
    heard: Mutex<Heards>,
    news: Notify,
}

/// One client between its sockets.
struct Client {
    bearer: HeaderValue,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    position: Option<String>,
    /// Stories heard of, with their number in the order of posting.
    stories: Vec<usize>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Heards {
    /// Of each story, when clients heard of it.
    at: Vec<Vec<Instant>>,
    numbers: HashMap<String, usize>,
    /// What did not go as it should.
    faults: Vec<String>,
    fault_count: usize,
}

/// What came of connecting some clients.
pub(super) struct Connected {
    pub(super) took: Duration,
    pub(super) recovered: usize,
}

impl Crowd {
    /// Clients that are not connected yet, one for each token.
    pub(super) fn new(doors: Vec<SocketAddr>, gym: &str, bearers: Vec<HeaderValue>) -> Arc<Self> {
        let clients = bearers.into_iter().map(|bearer| Client { bearer, state: Mutex::default() }).collect();
        let path = format!("/ws/stories/{gym}");
        Arc::new(Self { doors, path, clients, heard: Mutex::default(), news: Notify::new() })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Connects these, from where they were.
    pub(super) async fn connect(self: &Arc<Self>, numbers: &[usize]) -> anyhow::Result<Connected> {
        let (started, recovered) = (Instant::now(), AtomicUsize::new(0));
        stream::iter(numbers.iter().copied().map(Ok))
            .try_for_each_concurrent(AT_ONCE, async |number| {
                if self.open(number).await.with_context(|| format!("client {number}"))? {
                    recovered.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, anyhow::Error>(())
            })
            .await?;
        Ok(Connected { took: started.elapsed(), recovered: recovered.into_inner() })
    }

    async fn open(self: &Arc<Self>, number: usize) -> anyhow::Result<bool> {
        let client = self.client(number)?;
        let door = self.doors.get(number % self.doors.len().max(1)).context("no door")?;
        let position = locked(&client.state).position.clone();
        let path = match &position {
            Some(position) => format!("{}?position={position}", self.path),
            None => self.path.clone(),
        };
        let (socket, hello) = Socket::open(*door, number, &path, &client.bearer).await?;
        locked(&client.state).position = Some(hello.position);
        let listening = tokio::spawn(listen(Arc::clone(self), number, socket));
        locked(&client.state).listening = Some(listening);
        Ok(hello.recovered)
    }

    /// Cuts these without a word. They have heard all that they will when it returns.
    pub(super) async fn cut(&self, numbers: &[usize]) {
        let clients = numbers.iter().filter_map(|number| self.clients.get(*number));
        let cut: Vec<JoinHandle<()>> =
            clients.filter_map(|client| locked(&client.state).listening.take()).collect();
        cut.iter().for_each(JoinHandle::abort);
        for listening in cut {
            // Cut is cut.
            let _ = listening.await;
        }
    }

    /// A story of this id is about to be told, or was; its number.
    pub(super) fn expect(&self, id: &str) -> usize {
        locked(&self.heard).number(id)
    }

    /// Waits until so many have heard of a story; when each did.
    pub(super) async fn until_heard(
        &self,
        story: usize,
        by: usize,
        longest: Duration,
    ) -> anyhow::Result<Vec<Instant>> {
        let waiting = async {
            loop {
                let news = self.news.notified();
                if let Some(at) = locked(&self.heard).at.get(story).filter(|at| at.len() >= by) {
                    return at.clone();
                }
                // Woken now and then only, so that thousands of clients do not wake it thousands of times.
                tokio::select! {
                    () = news => {}
                    () = sleep(Duration::from_millis(20)) => {}
                }
            }
        };
        timeout(longest, waiting).await.with_context(|| {
            let heard = locked(&self.heard).at.get(story).map_or(0, Vec::len);
            format!("{heard} of {by} clients heard of story {story} within {longest:?}")
        })
    }

    /// Clients that have not heard of each of so many stories once, in order.
    pub(super) fn gaps(&self, stories: usize) -> usize {
        let all: Vec<usize> = (0..stories).collect();
        self.clients.iter().filter(|client| locked(&client.state).stories != all).count()
    }

    /// What did not go as it should: how often, and the first.
    pub(super) fn faults(&self) -> (usize, Vec<String>) {
        let heard = locked(&self.heard);
        (heard.fault_count, heard.faults.clone())
    }

    fn client(&self, number: usize) -> anyhow::Result<&Client> {
        self.clients.get(number).context("no such client")
    }

    fn note(&self, number: usize, id: &str, position: String) {
        let now = Instant::now();
        let mut heard = locked(&self.heard);
        let story = heard.number(id);
        if let Some(at) = heard.at.get_mut(story) {
            at.push(now);
            if at.len() >= self.clients.len() {
                self.news.notify_one();
            }
        }
        drop(heard);
        if let Some(client) = self.clients.get(number) {
            let mut state = locked(&client.state);
            state.stories.push(story);
            state.position = Some(position);
        }
    }

    fn fault(&self, number: usize, what: &str) {
        let mut heard = locked(&self.heard);
        heard.fault_count += 1;
        if heard.faults.len() < 5 {
            heard.faults.push(format!("client {number}: {what}"));
        }
    }
}

impl Heards {
    fn number(&mut self, id: &str) -> usize {
        if let Some(known) = self.numbers.get(id) {
            return *known;
        }
        self.numbers.insert(id.to_owned(), self.at.len());
        self.at.push(Vec::new());
        self.at.len() - 1
    }
}

/// Until it is aborted, or the server ends it, which it should not.
async fn listen(crowd: Arc<Crowd>, number: usize, mut socket: Socket) {
    loop {
        match socket.next().await {
            Ok(Heard::Message(message)) => match (message.action.as_str(), &message.story_id) {
                ("prepend_story", Some(story)) => crowd.note(number, story, message.position),
                (action, _) => crowd.fault(number, &format!("was told to {action}")),
            },
            Ok(Heard::Closed(code, reason)) => {
                return crowd.fault(number, &format!("was sent away with {code} {reason}"));
            }
            Err(error) => return crowd.fault(number, &format!("lost its socket: {error:#}")),
        }
    }
}

/// Every change leaves them whole, so poison is ignored.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
