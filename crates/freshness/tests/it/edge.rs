//! The lease of an edge, as the tracker under it sees it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use broadcast::{Broadcast, NatsConfig, Subscription};
use coherence::{LeaseState, Seal, Tracker, clock};
use freshness::{
    Domain, EdgeLease, EdgeObserver, Freshness, FreshnessConfig, JoinFailed, LEASE, LeaseLost, Registry,
    purge, purge_all,
};
use futures_util::StreamExt as _;
use telemetry::metrics::Metrics;
use test_harness::{ChaosProxy, nats_url, redis_url, wait_until};

use crate::world::{DEADLINE, Replica, World, groups};

#[derive(Clone, Debug, PartialEq)]
enum Event {
    Gained,
    Lost(LeaseLost),
    JoinFailed(JoinFailed),
    Renewed,
    Invalidated(Vec<String>, usize),
    Purged(Option<usize>),
    Unreadable,
}

#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<Event>>>);

impl Events {
    fn push(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }

    fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.0.lock().unwrap().iter().filter(|event| wanted(event)).count()
    }

    fn have(&self, event: &Event) -> bool {
        self.count(|seen| seen == event) > 0
    }

    async fn wait_for(&self, event: Event) {
        wait_until(&format!("{event:?}"), DEADLINE, async || self.have(&event)).await;
    }
}

impl EdgeObserver for Events {
    fn lease_gained(&self) {
        self.push(Event::Gained);
    }

    fn lease_lost(&self, reason: LeaseLost) {
        self.push(Event::Lost(reason));
    }

    fn lease_renewed(&self, _: Duration) {
        self.push(Event::Renewed);
    }

    fn join_failed(&self, reason: JoinFailed) {
        self.push(Event::JoinFailed(reason));
    }

    fn invalidated(&self, groups: &[&str], known: usize, _: Duration) {
        self.push(Event::Invalidated(groups.iter().map(|&group| group.to_owned()).collect(), known));
    }

    fn purged(&self, groups: Option<usize>) {
        self.push(Event::Purged(groups));
    }

    fn unreadable(&self) {
        self.push(Event::Unreadable);
    }
}

struct Edge {
    tracker: Arc<Tracker>,
    events: Events,
    lease: EdgeLease,
}

async fn broadcast(nats: &str) -> Broadcast {
    Broadcast::connect(&NatsConfig { url: nats.to_owned(), ..NatsConfig::default() }).await.unwrap()
}

/// An edge of the world's domain, which may reach Redis and NATS through proxies.
async fn edge_by(world: &World, redis: String, nats: String) -> Edge {
    let domain = Domain::new(&world.domain).unwrap();
    let registry = Registry::connect(&redis.into(), &world.domain).unwrap();
    let (tracker, events) = (Tracker::leased(), Events::default());
    let lease =
        EdgeLease::start(registry, broadcast(&nats).await, domain, Arc::clone(&tracker), events.clone());
    events.wait_for(Event::Gained).await;
    Edge { tracker, events, lease }
}

async fn edge(world: &World) -> Edge {
    edge_by(world, world.redis.clone(), nats_url()).await
}

impl Edge {
    /// As a cache would store an answer fetched now.
    fn store(&self, group: &str) -> Seal {
        let fetched = self.tracker.begin(clock::now()).unwrap();
        self.tracker.admit(fetched, &[group]).unwrap()
    }

    fn answers_with(&self, seal: &Seal) -> bool {
        seal.is_current(&self.tracker, clock::now())
    }

    fn has_lease(&self) -> bool {
        self.tracker.may_answer(clock::now())
    }

    async fn wait_for_lease(&self) {
        wait_until("a lease", DEADLINE, async || self.has_lease()).await;
    }
}

async fn replica(world: &World) -> Replica {
    replica_by(world, &nats_url()).await
}

/// A replica of the service, which may reach NATS through a proxy.
async fn replica_by(world: &World, nats: &str) -> Replica {
    let (config, redis, metrics) =
        (FreshnessConfig::default(), world.redis.clone().into(), Metrics::new("test"));
    let broadcast = broadcast(nats).await;
    let freshness = Freshness::start(config, &redis, broadcast, &world.domain, &metrics).await.unwrap();
    let replica = Replica { freshness, metrics, database: world.database.clone() };
    // The first leases of a domain are a quarantine old; and the connection is made by then.
    replica.write(0).await.unwrap();
    replica
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_kept_by_renewing_it() {
    let world = World::new();
    let edge = edge(&world).await;
    let seal = edge.store("numbers");
    wait_until("five renewals", DEADLINE, async || edge.events.count(|event| *event == Event::Renewed) >= 5)
        .await;
    assert_eq!(edge.events.count(|event| matches!(event, Event::Lost(_))), 0);
    assert!(edge.answers_with(&seal), "what is stored outlives many leases of one session");
    assert!(matches!(edge.tracker.lease(), LeaseState::Held { remaining } if remaining < LEASE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_confirmed_when_every_edge_has_applied_it() {
    let world = World::new();
    let (near, far) = (edge(&world).await, edge(&world).await);
    let replica = replica(&world).await;
    let seals = [near.store("numbers"), far.store("numbers")];
    let (other, fetched) = (near.store("letters"), near.tracker.begin(clock::now()).unwrap());

    let written = replica.write(1).await.unwrap();
    assert!(!near.answers_with(&seals[0]) && !far.answers_with(&seals[1]));
    assert_eq!((written.edges_told, written.edges_revoked), (2, 0));
    assert!(near.tracker.admit(fetched, &["numbers"]).is_none(), "requested before, so not stored");
    assert!(near.answers_with(&other), "what was not written is kept");
    near.events.wait_for(Event::Invalidated(vec!["numbers".to_owned()], 1)).await;
}

/// Hears what edges answer.
async fn tell(world: &World, teller: &Broadcast, what: &str, payload: &str) -> Subscription {
    wait_until("a connection", DEADLINE, async || teller.is_connected()).await;
    let inbox = teller.new_inbox();
    let answers = teller.subscribe(&inbox).await.unwrap();
    let subject = format!("aldia.fresh.{}.{what}", world.domain);
    teller.publish(&subject, Some(&inbox), payload.to_owned().into()).await.unwrap();
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_is_applied_before_it_is_confirmed() {
    let world = World::new();
    let (edge, teller) = (edge(&world).await, broadcast(&nats_url()).await);
    for _ in 0..50 {
        let seal = edge.store("numbers");
        let payload = r#"{"id":"1","committed_at_ms":0,"groups":["numbers"]}"#;
        let mut answers = tell(&world, &teller, "invalidate", payload).await;
        tokio::time::timeout(DEADLINE, answers.next()).await.unwrap().unwrap();
        assert!(!edge.answers_with(&seal));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_makes_no_sense_forgets_everything_and_is_not_confirmed() {
    let world = World::new();
    let (edge, teller) = (edge(&world).await, broadcast(&nats_url()).await);
    let seal = edge.store("numbers");
    let mut nothing = tell(&world, &teller, "invalidate", "{").await;
    edge.events.wait_for(Event::Unreadable).await;
    assert!(!edge.answers_with(&seal));
    // Answers come in the order of what is answered.
    let mut answers = tell(&world, &teller, "purge", r#""all""#).await;
    tokio::time::timeout(DEADLINE, answers.next()).await.unwrap().unwrap();
    assert!(futures_util::FutureExt::now_or_never(nothing.next()).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_waits_until_the_lease_of_a_silent_edge_has_run_out() {
    let world = World::new();
    let proxy = ChaosProxy::to_url(&nats_url());
    let (edge, replica) =
        tokio::join!(edge_by(&world, world.redis.clone(), proxy.rewrite(&nats_url())), replica(&world));
    let seal = edge.store("numbers");
    proxy.stall();
    let written = replica.write(1).await.unwrap();
    assert!(!edge.answers_with(&seal) && !edge.has_lease());
    assert_eq!((written.edges_told, written.edges_revoked), (0, 1));

    proxy.restore();
    edge.wait_for_lease().await;
    assert!(!edge.answers_with(&seal), "a new session answers with nothing from before it");
    assert!(edge.answers_with(&edge.store("numbers")));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_in_a_row_both_wait_for_a_silent_edge() {
    let world = World::new();
    let proxy = ChaosProxy::to_url(&nats_url());
    let (edge, replica) =
        tokio::join!(edge_by(&world, world.redis.clone(), proxy.rewrite(&nats_url())), replica(&world));
    let seals = [edge.store("numbers"), edge.store("letters")];
    proxy.stall();
    let letters = async {
        replica.write_as(&["letters"], async || Ok(())).await.unwrap();
        assert!(!edge.answers_with(&seals[1]));
    };
    let numbers = async {
        replica.write(1).await.unwrap();
        assert!(!edge.answers_with(&seals[0]));
    };
    tokio::join!(letters, numbers);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_nats_lost_is_without_a_lease_and_comes_back_as_another() {
    let world = World::new();
    let proxy = ChaosProxy::to_url(&nats_url());
    let edge = edge_by(&world, world.redis.clone(), proxy.rewrite(&nats_url())).await;
    let seal = edge.store("numbers");
    proxy.cut();
    edge.events.wait_for(Event::Lost(LeaseLost::Interrupted)).await;
    assert!(!edge.has_lease());
    edge.events.wait_for(Event::JoinFailed(JoinFailed::Nats)).await;

    proxy.restore();
    edge.wait_for_lease().await;
    assert!(!edge.answers_with(&seal), "messages may have been missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_does_not_hear_itself_does_not_renew() {
    let world = World::new();
    let proxy = ChaosProxy::to_url(&nats_url());
    let edge = edge_by(&world, world.redis.clone(), proxy.rewrite(&nats_url())).await;
    proxy.stall();
    edge.events.wait_for(Event::Lost(LeaseLost::NatsSilent)).await;
    assert!(!edge.has_lease());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_without_redis_is_without_a_lease() {
    let world = World::new();
    let proxy = ChaosProxy::to_url(&redis_url());
    let edge = edge_by(&world, proxy.rewrite(&redis_url()), nats_url()).await;
    let seal = edge.store("numbers");
    proxy.cut();
    edge.events.wait_for(Event::Lost(LeaseLost::RedisSilent)).await;
    assert!(!edge.answers_with(&seal));

    proxy.restore();
    edge.wait_for_lease().await;
    assert!(!edge.answers_with(&seal));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_without_nats_revokes_and_the_edge_joins_anew() {
    let world = World::new();
    let proxy = ChaosProxy::to_url(&nats_url());
    let edge = edge(&world).await;
    let replica = replica_by(&world, &proxy.rewrite(&nats_url())).await;
    let seal = edge.store("numbers");
    proxy.cut();
    let written = replica.write(1).await.unwrap();
    assert!(!edge.answers_with(&seal));
    assert_eq!(written.edges_revoked, 1);
    edge.events.wait_for(Event::Lost(LeaseLost::Revoked)).await;
    edge.wait_for_lease().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_stops_gives_its_lease_back() {
    let world = World::new();
    let (stopped, dropped) = (edge(&world).await, edge(&world).await);
    let replica = replica(&world).await;
    stopped.lease.stop().await;
    assert!(stopped.events.have(&Event::Lost(LeaseLost::Stopped)));
    assert!(!stopped.tracker.may_answer(clock::now()));
    drop(dropped.lease);
    assert!(!dropped.tracker.may_answer(clock::now()), "at once");
    dropped.events.wait_for(Event::Lost(LeaseLost::Stopped)).await;

    let written = replica.write(1).await.unwrap();
    assert_eq!((written.edges_told, written.edges_revoked), (0, 0), "nobody to wait for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_reaches_every_edge() {
    let world = World::new();
    let (near, far) = (edge(&world).await, edge(&world).await);
    let domain = Domain::new(&world.domain).unwrap();
    let operator = broadcast(&nats_url()).await;
    wait_until("a connection", DEADLINE, async || operator.is_connected()).await;
    let (numbers, letters) = (near.store("numbers"), near.store("letters"));
    let told = purge(&operator, &domain, &groups(&["numbers"])).await.unwrap();
    assert_eq!(told, 2);
    assert!(!near.answers_with(&numbers) && near.answers_with(&letters));
    assert_eq!(purge_all(&operator, &domain).await.unwrap(), 2);
    assert!(!near.answers_with(&letters));
    far.events.wait_for(Event::Purged(None)).await;
    assert!(far.events.have(&Event::Purged(Some(1))));
}
