//! Looking again and again: scrapes, and the reports made of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;

use crate::condition::Source;
use crate::database::{Database, Statistics};
use crate::exposition::Sample;
use crate::host::{Counted, Identity};
use crate::postgres::Postgres;
use crate::redis::{self, Redis};
use crate::report::{Parts, Report};
use crate::scrape::scrape;
use crate::service::Service;
use crate::snapshot::{History, Snapshot};
use crate::targets::{Target, Targets};

/// What is remembered between looks.
pub(crate) struct Watch {
    began: Instant,
    services: Vec<Watched>,
    databases: Vec<WatchedDatabase>,
    redis: Vec<String>,
    disks: Vec<PathBuf>,
    counted: Option<Counted>,
}

struct Watched {
    target: Target,
    history: History,
    error: Option<String>,
}

struct WatchedDatabase {
    postgres: Postgres,
    before: Option<Statistics>,
}

impl Watch {
    pub(crate) fn new(targets: Targets) -> Self {
        let services = targets.services.into_iter();
        let databases = targets.postgres.into_iter();
        Self {
            began: Instant::now(),
            services: services
                .map(|target| Watched { target, history: History::default(), error: None })
                .collect(),
            databases: databases
                .map(|url| WatchedDatabase { postgres: Postgres::new(url), before: None })
                .collect(),
            redis: targets.redis,
            disks: targets.disks,
            counted: None,
        }
    }

    /// Looks at everything once. From the second time on there are rates.
    pub(crate) async fn look(&mut self) -> Report {
        let began = self.began;
        let (_, databases, redis) = tokio::join!(
            join_all(self.services.iter_mut().map(|watched| watched.look(began))),
            join_all(self.databases.iter_mut().map(WatchedDatabase::look)),
            join_all(self.redis.iter().map(|url| redis::look(url))),
        );
        self.report(databases, redis)
    }

    fn report(&mut self, databases: Vec<Database>, redis: Vec<Redis>) -> Report {
        let identities: Vec<Identity> =
            self.services.iter().filter_map(|watched| watched.target.process.clone()).collect();
        let counted = Counted::now(self.began.elapsed(), &identities);
        let earlier = self.counted.take().unwrap_or_default();
        let services = self.services.iter().map(|watched| {
            let process = watched.target.process.as_ref().map(|identity| counted.process(&earlier, identity));
            Service::of(&watched.target.place, &watched.history, watched.error.clone(), process)
        });
        let host = counted.host(&earlier, &self.disks);
        let parts = Parts { services: services.collect(), databases, redis, host };
        let sources: Vec<Source<'_>> = self
            .services
            .iter()
            .map(|watched| Source { target: &watched.target.place.name, history: &watched.history })
            .collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let report = Report::new(now, parts, &sources);
        self.counted = Some(counted);
        report
    }
}

impl Watched {
    async fn look(&mut self, began: Instant) {
        match scrape(&self.target.place.url).await.and_then(unique) {
            Ok(samples) => {
                self.history.push(Snapshot::new(began.elapsed(), samples));
                self.error = None;
            }
            Err(error) => {
                self.history.clear();
                self.error = Some(format!("{error:#}"));
            }
        }
    }
}

/// Two values of one series: neither can be believed.
fn unique(samples: Vec<Sample>) -> anyhow::Result<Vec<Sample>> {
    let mut seen = BTreeMap::new();
    for sample in &samples {
        if seen.insert((&sample.name, &sample.labels), ()).is_some() {
            anyhow::bail!("the series {} is told twice", sample.name);
        }
    }
    Ok(samples)
}

impl WatchedDatabase {
    async fn look(&mut self) -> Database {
        let url = self.postgres.shown();
        match self.postgres.look().await {
            Ok(now) => {
                let told = Database::of(url, self.before.as_ref(), &now);
                self.before = Some(now);
                told
            }
            Err(error) => {
                self.before = None;
                Database::silent(url, format!("{error:#}"))
            }
        }
    }
}
