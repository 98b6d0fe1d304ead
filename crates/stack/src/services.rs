//! The services of the system: one entry each, and nowhere else anything to add.

/// One service, or one worker of a service.
#[derive(Debug)]
pub(crate) struct Service {
    /// Its name: of its log, its line in `status`, its rendered configuration.
    pub(crate) name: &'static str,
    /// The binary cargo builds.
    pub(crate) binary: &'static str,
    /// Its arguments; `{config}`, `{data}`, `{collector}` (where traces are taken) and `{traces}` are replaced.
    pub(crate) serve: &'static [&'static str],
    /// What it listens on: a name for messages, and the fixed port.
    pub(crate) ports: &'static [(&'static str, u16)],
    /// Where it says that it is ready.
    pub(crate) ready: Ready,
    /// Its own database, if it has one.
    pub(crate) database: Option<Database>,
    /// The template of its configuration in `deploy/`; none for one that is told everything by its arguments.
    pub(crate) template: Option<&'static str>,
    /// What is written over the template.
    pub(crate) settings: &'static [(&'static str, Setting)],
    /// Services that must be ready before it starts.
    pub(crate) depends_on: &'static [&'static str],
    /// Loads demo data that are made of what other services do: run once all services are ready. It may be run again. `{accounts}`
    /// is the file with the accounts that are known until then, `{base_url}` the gateway; for the rest as [`Database::seed`].
    pub(crate) seed_after_start: Option<&'static [&'static str]>,
}

/// Where a service says that it is ready.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ready {
    /// A GET on this fixed port and path is answered with 200.
    Http(u16, &'static str),
    /// It exists: a worker that listens on nothing.
    #[expect(dead_code, reason = "the workers that need it are not part of the system yet")]
    Running,
}

/// A database and the commands, of the service's binary, that fill it.
#[derive(Debug)]
pub(crate) struct Database {
    /// The name of the database and of the role that owns it.
    pub(crate) name: &'static str,
    /// Brings the schema up to date; may be run again.
    pub(crate) migrate: &'static [&'static str],
    /// Loads the demo data; may be run again. The accounts' password is in `ALDIA_DEMO_PASSWORD`; its last line on stdout
    /// is `{"accounts": [{"username", "password", "roles"}]}`.
    pub(crate) seed: Option<&'static [&'static str]>,
    /// What a restored database needs before its service starts: that nothing it gave out after the backup comes again with another
    /// meaning.
    pub(crate) after_restore: &'static [AfterRestore],
    /// Commands that end with 1 where a restored database is not whole. `{export}` is replaced by an empty directory.
    pub(crate) verify: &'static [&'static [&'static str]],
}

/// A step after a restore.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AfterRestore {
    /// A command of the service.
    Command(&'static [&'static str]),
    /// A statement in its database.
    Sql(&'static str),
}

/// Beyond every version that was given out in a lost future, as `catalog begin-epoch` does it.
const RAISE_ASSETS: &str = "UPDATE asset SET version = version + 4294967296";
const RAISE_STORIES: &str = "UPDATE gym SET version = version + 4294967296; UPDATE story SET version = version + 4294967296; \
     UPDATE highlight SET version = version + 4294967296";
const RAISE_DESK: &str = "UPDATE customer SET version = version + 4294967296; UPDATE announcement SET version = version + 4294967296; \
     UPDATE package SET version = version + 4294967296; UPDATE claim SET version = version + 4294967296; \
     UPDATE slot SET version = version + 4294967296";
/// Positions of another epoch are answered with the whole feed.
const NEW_FEED_EPOCH: &str = "UPDATE feed_clock SET epoch = gen_random_uuid()";

/// A value that only this run knows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Setting {
    /// URL of the database of this name with the role that owns it: the service's own, or, for a worker, that of its service.
    DatabaseUrl(&'static str),
    RedisUrl,
    NatsUrl,
    /// A key of 32 bytes in base64, made once, by name.
    Key(&'static str),
    /// A directory of this name in the state directory, which only its owner can look into.
    Directory(&'static str),
}

/// Keeps the traces of all others. Their `telemetry.otlp_endpoint` is written when it is part of the run.
pub(crate) const COLLECTOR: &str = "collector";
/// Where it takes them.
pub(crate) const COLLECTOR_PORT: u16 = 8091;

/// All services.
pub(crate) const SERVICES: &[Service] = &[
    Service {
        name: COLLECTOR,
        binary: "aldia",
        serve: &["collect", "--listen", "{collector}", "--dir", "{traces}"],
        ports: &[("http", COLLECTOR_PORT)],
        ready: Ready::Http(COLLECTOR_PORT, "readyz"),
        database: None,
        template: None,
        settings: &[],
        depends_on: &[],
        seed_after_start: None,
    },
    Service {
        name: "catalog",
        binary: "catalog",
        serve: &["serve", "--config", "{config}"],
        ports: &[("http", 8081)],
        ready: Ready::Http(8081, "readyz"),
        database: Some(Database {
            name: "catalog",
            migrate: &["migrate", "--config", "{config}"],
            seed: Some(&["seed", "--config", "{config}", "--data", "{data}"]),
            after_restore: &[AfterRestore::Command(&["begin-epoch", "--config", "{config}"])],
            verify: &[],
        }),
        template: Some("catalog.toml"),
        settings: &[
            ("postgres.url", Setting::DatabaseUrl("catalog")),
            ("redis.url", Setting::RedisUrl),
            ("nats.url", Setting::NatsUrl),
            ("auth.master_key", Setting::Key("auth_master_key")),
            ("records.cursor_key", Setting::Key("cursor_key")),
        ],
        depends_on: &[],
        seed_after_start: None,
    },
    Service {
        name: "upload-ingest",
        binary: "upload-ingest",
        serve: &["serve", "--config", "{config}"],
        ports: &[("http", 8084)],
        ready: Ready::Http(8084, "readyz"),
        database: Some(Database {
            name: "upload_ingest",
            migrate: &["migrate", "--config", "{config}"],
            seed: None,
            after_restore: &[AfterRestore::Sql(RAISE_ASSETS)],
            verify: &[&["reconcile", "--dry-run", "--config", "{config}"]],
        }),
        template: Some("upload-ingest.toml"),
        settings: &UPLOADS,
        depends_on: &["catalog"],
        seed_after_start: None,
    },
    Service {
        name: "upload-worker",
        binary: "upload-worker",
        serve: &["run", "--config", "{config}"],
        ports: &[("http", 8085)],
        ready: Ready::Http(8085, "readyz"),
        database: None,
        template: Some("upload-worker.toml"),
        settings: &UPLOADS,
        depends_on: &["upload-ingest"],
        seed_after_start: None,
    },
    Service {
        name: "stories-feed",
        binary: "stories-feed",
        serve: &["serve", "--config", "{config}"],
        ports: &[("http", 8082)],
        ready: Ready::Http(8082, "readyz"),
        database: Some(Database {
            name: "stories_feed",
            migrate: &["migrate", "--config", "{config}"],
            seed: None,
            after_restore: &[AfterRestore::Sql(NEW_FEED_EPOCH), AfterRestore::Sql(RAISE_STORIES)],
            verify: &[],
        }),
        template: Some("stories-feed.toml"),
        settings: &[
            ("postgres.url", Setting::DatabaseUrl("stories_feed")),
            ("redis.url", Setting::RedisUrl),
            ("nats.url", Setting::NatsUrl),
            ("api.cursor_key", Setting::Key("stories_cursor_key")),
        ],
        depends_on: &["catalog", "upload-ingest"],
        // Photos and clips come in as anybody's do: through the gateway, and with a worker that works on them.
        seed_after_start: Some(&[
            "seed",
            "--config",
            "{config}",
            "--data",
            "{data}",
            "--base-url",
            "{base_url}",
            "--accounts",
            "{accounts}",
        ]),
    },
    Service {
        name: "package-ledger",
        binary: "package-ledger",
        serve: &["serve", "--config", "{config}"],
        ports: &[("http", 8083)],
        ready: Ready::Http(8083, "readyz"),
        database: Some(Database {
            name: "package_ledger",
            migrate: &["migrate", "--config", "{config}"],
            seed: None,
            after_restore: &[AfterRestore::Sql(RAISE_DESK)],
            verify: &[
                &["custody", "export", "--config", "{config}", "--out", "{export}"],
                &["custody", "verify", "{export}"],
                &["books", "verify", "--config", "{config}"],
            ],
        }),
        template: Some("package-ledger.toml"),
        settings: &[
            ("postgres.url", Setting::DatabaseUrl("package_ledger")),
            ("redis.url", Setting::RedisUrl),
            ("nats.url", Setting::NatsUrl),
            ("api.cursor_key", Setting::Key("packages_cursor_key")),
            ("api.pickup_key", Setting::Key("pickup_key")),
            ("messages.spool_directory", Setting::Directory("spool")),
        ],
        depends_on: &["catalog", "upload-ingest"],
        // Photos come in as anybody's do: through the gateway.
        seed_after_start: Some(&[
            "seed",
            "--config",
            "{config}",
            "--data",
            "{data}",
            "--base-url",
            "{base_url}",
            "--accounts",
            "{accounts}",
        ]),
    },
    Service {
        name: "gateway",
        binary: "gateway",
        serve: &["serve", "--config", "{config}"],
        ports: &[("http", 8080), ("admin", 8090)],
        ready: Ready::Http(8090, "readyz"),
        database: None,
        template: Some("gateway.toml"),
        settings: &[
            ("nats.url", Setting::NatsUrl),
            // The Redis of each service: its edges hold their leases where it looks for them.
            ("freshness.catalog.redis_url", Setting::RedisUrl),
            ("freshness.upload-ingest.redis_url", Setting::RedisUrl),
            ("freshness.stories-feed.redis_url", Setting::RedisUrl),
            ("freshness.package-ledger.redis_url", Setting::RedisUrl),
        ],
        depends_on: &["catalog", "upload-ingest", "stories-feed", "package-ledger"],
        seed_after_start: None,
    },
];

/// Of upload-ingest and its workers alike: they work on one database and one store.
const UPLOADS: [(&str, Setting); 6] = [
    ("postgres.url", Setting::DatabaseUrl("upload_ingest")),
    ("redis.url", Setting::RedisUrl),
    ("nats.url", Setting::NatsUrl),
    ("storage.local.root", Setting::Directory("objects")),
    ("media.capability_key", Setting::Key("capability_key")),
    ("api.cursor_key", Setting::Key("upload_cursor_key")),
];

/// All services, or all but the collector of traces.
pub(crate) fn services(with_traces: bool) -> Vec<&'static Service> {
    SERVICES.iter().filter(|service| with_traces || service.name != COLLECTOR).collect()
}

/// The services in an order in which each comes after all it depends on, else as in the table.
pub(crate) fn start_order() -> Vec<&'static Service> {
    let mut order: Vec<&Service> = Vec::new();
    let mut rest: Vec<&Service> = SERVICES.iter().collect();
    let started = |order: &[&Service], name: &str| order.iter().any(|service| service.name == name);
    // A circle or an unknown name would end this early; a test keeps both out of the table.
    while let Some(next) =
        rest.iter().position(|service| service.depends_on.iter().all(|name| started(&order, name)))
    {
        order.push(rest.remove(next));
    }
    order
}

/// The gateway's port: what the outside talks to.
pub(crate) const GATEWAY_PORT: u16 = 8080;
/// The gateway's private port.
pub(crate) const ADMIN_PORT: u16 = 8090;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_is_started_and_after_all_it_depends_on() {
        let order = start_order();
        assert_eq!(order.len(), SERVICES.len(), "a circle, or a dependency that is not in the table");
        for (index, service) in order.iter().enumerate() {
            for name in service.depends_on {
                assert!(
                    order[..index].iter().any(|earlier| earlier.name == *name),
                    "{} → {name}",
                    service.name
                );
            }
        }
    }

    #[test]
    fn no_name_and_no_port_is_used_twice() {
        let names: std::collections::BTreeSet<_> = SERVICES.iter().map(|service| service.name).collect();
        assert_eq!(names.len(), SERVICES.len());
        let ports: Vec<u16> =
            SERVICES.iter().flat_map(|service| service.ports.iter().map(|(_, port)| *port)).collect();
        let distinct: std::collections::BTreeSet<_> = ports.iter().collect();
        assert_eq!(distinct.len(), ports.len());
    }

    /// A version that is given out twice, with two meanings, passes for a validator of the other one. The catalog's are raised by its own
    /// command; a version of a tariff is its name.
    #[test]
    fn every_version_of_a_row_is_raised_after_a_restore() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        for (service, database) in
            SERVICES.iter().filter_map(|service| Some((service, service.database.as_ref()?)))
        {
            let raised: Vec<&str> = database
                .after_restore
                .iter()
                .filter_map(|after| match after {
                    AfterRestore::Sql(sql) => Some(*sql),
                    AfterRestore::Command(_) => None,
                })
                .collect();
            if raised.is_empty() {
                continue;
            }
            let raised = raised.join("; ");
            for folder in std::fs::read_dir(root.join(service.name)).unwrap() {
                let file = folder.unwrap().path().join("up.sql");
                let sql = std::fs::read_to_string(file).unwrap_or_default();
                for table in sql.split("CREATE TABLE ").skip(1) {
                    let (head, _) = table.split_once("\n);").unwrap_or((table, ""));
                    let name = head.split_whitespace().next().unwrap();
                    let has_version = head.contains("\n    version bigint ");
                    assert!(
                        !has_version
                            || raised.contains(&format!("UPDATE {name} SET version = version + 4294967296")),
                        "{}: {name}.version",
                        service.name
                    );
                }
            }
        }
    }

    /// A worker has no database of its own, and a service reads no other service's: who names one owns it, or is started after
    /// its owner, of which it is a part.
    #[test]
    fn every_database_that_is_named_is_provided() {
        for service in SERVICES {
            for (key, setting) in service.settings {
                let Setting::DatabaseUrl(name) = setting else { continue };
                let owner = SERVICES
                    .iter()
                    .find(|other| other.database.as_ref().is_some_and(|database| database.name == *name));
                let owner = owner.unwrap_or_else(|| panic!("{}: {key} names {name}", service.name));
                let is_part = service.database.is_none() && service.depends_on.contains(&owner.name);
                assert!(owner.name == service.name || is_part, "{}: {key} names {name}", service.name);
            }
        }
    }
}
