//! A thousand viewers of one gym: how often the part of the feed that all share is known, and how often that of one viewer, each for
//! itself (S-D2); and what a feed and its media weigh (S-D5).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::Programs;
use super::data::{self, SHAPES};
use super::system::System;
use crate::freshness::dice::Dice;
use crate::freshness::pool::{Pool, Reply};
use crate::freshness::scan;
use crate::report::{Report, Table, counts, millis};
use crate::stats::percentile;

/// Longest wait for one answer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
/// What answers are weighed by: address, and what a client says of its line (S-D5).
const WEIGHED: [(&str, &[(&str, &str)]); 6] = [
    ("", &[]),
    ("&budget=500000", &[]),
    ("&budget=60000", &[]),
    ("", &[("save-data", "on")]),
    ("", &[("ect", "2g")]),
    ("", &[("downlink", "0.4"), ("dpr", "2"), ("width", "360")]),
];

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    programs: Programs,
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(10..))]
    viewers: u16,
    /// How often each of them looks.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    looks: u16,
    /// So many looks in a hundred are followed by a report of what was seen, so many by a reaction, and one in so many by a new story.
    #[arg(long, default_value_t = 10)]
    view_percent: u64,
    #[arg(long, default_value_t = 3)]
    reaction_percent: u64,
    #[arg(long, default_value_t = 150)]
    post_every: usize,
    /// Random numbers come from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A person with a way in.
struct Client<'a> {
    pool: &'a Pool,
    addr: SocketAddr,
    bearer: &'a HeaderValue,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    // The gym of 100 stories, with pictures in all formats.
    let shapes = SHAPES.get(1..2).context("no gym")?;
    let data = data::make(args.seed, shapes, args.viewers.into(), 3);
    let system = System::start(&args.programs, &data.sql).await?;
    let gym = data.gyms.first().context("no gym")?;
    let bearers = data.lookers.iter().map(|person| system.issuer.bearer(person));
    let bearers = bearers.collect::<anyhow::Result<Vec<_>>>()?;
    let mut report = Report::default();
    weigh(&system, gym, &system.issuer.bearer(&data.member)?, &mut report).await?;
    look(&args, &system, gym, &bearers, &mut report).await?;
    system.stop().await?;
    Ok(report)
}

/// Everybody looks, by turns through the gateway, while some of them change what others see.
async fn look(
    args: &Args,
    system: &System,
    gym: &str,
    bearers: &[HeaderValue],
    report: &mut Report,
) -> anyhow::Result<()> {
    let (pool, service) = (Pool::new(system.door), Pool::new(system.service_addr));
    let before = reads(&service, system.service_addr).await?;
    let (mut dice, mut times, mut at_edge, mut posts) = (Dice::new(args.seed, "looks", 0), Vec::new(), 0, 0);
    let path = format!("/v1/gyms/{gym}/stories/feed?limit=500");
    let looks = bearers.len() * usize::from(args.looks);
    for turn in 0..looks {
        let bearer = bearers.get(dice.below(bearers.len())).context("no viewer")?;
        // The first round has all of them, so that a thousand are a thousand.
        let bearer = bearers.get(turn).unwrap_or(bearer);
        let client = Client { pool: &pool, addr: system.door, bearer };
        let began = Instant::now();
        let reply = client.get(&path, &[]).await?;
        times.push(began.elapsed());
        at_edge += usize::from(scan::is_hit(reply.header("cache-status")));
        let feed: Value = serde_json::from_slice(&reply.body)?;
        let stories = ids(&feed);
        let Some(story) = dice.pick(&stories) else { continue };
        if dice.percent(args.view_percent) {
            let views = json!({"views": [{"story_id": story, "seen_at": "2026-01-01T00:00:00Z"}]});
            client.send("POST", "/v1/stories/views:batch", &views).await?;
        }
        if dice.percent(args.reaction_percent) {
            client.send("PUT", &format!("/v1/stories/{story}/reaction"), &json!({"emoji": "💪"})).await?;
        }
        if (turn + 1).is_multiple_of(args.post_every.max(1)) {
            let text = json!({"type": "text", "caption": "done", "privacy": "public"});
            client.send("POST", &format!("/v1/gyms/{gym}/stories"), &text).await?;
            posts += 1;
        }
    }
    let after = reads(&service, system.service_addr).await?;
    times.sort();
    println!(
        "\n{looks} looks of {} viewers at a gym of 100 stories, {posts} posted meanwhile: {at_edge} answered by the gateway from its \
         memory; p50 {}, p95 {}\n",
        bearers.len(),
        millis(percentile(&times, 50)),
        millis(percentile(&times, 95)),
    );
    let mut table = Table::new(
        "What the service did for the others, part by part",
        &["part", "asked", "from its memory or Redis", "from the database", "by source"],
    );
    for (part, family, least) in [
        ("what the gym shows", "feed_body", Some(70.0)),
        ("counts", "feed_counts", None),
        ("viewer", "feed_viewer", None),
    ] {
        let found = difference(&before, &after, family);
        let all: u64 = found.values().sum();
        let loaded: u64 = found.iter().filter(|(source, _)| is_load(source)).map(|(_, times)| times).sum();
        let rate = 100.0 * all.saturating_sub(loaded) as f64 / all.max(1) as f64;
        table.row(&[
            part.to_owned(),
            all.to_string(),
            format!("{rate:.1} %"),
            loaded.to_string(),
            counts(&found),
        ]);
        if let Some(least) = least {
            report.expect(
                format!("{part} is known {least} % of the time ({rate:.1} %)"),
                all > 0 && rate >= least,
            );
        }
    }
    table.print();
    Ok(())
}

/// What a feed weighs and what its media would, in all ways of asking.
async fn weigh(system: &System, gym: &str, bearer: &HeaderValue, report: &mut Report) -> anyhow::Result<()> {
    let pool = Pool::new(system.door);
    let client = Client { pool: &pool, addr: system.door, bearer };
    let mut table = Table::new(
        "What a feed and its media plan weigh",
        &["asked with", "stories", "feed", "compressed", "media planned", "budget", "media"],
    );
    for limit in [25, 500] {
        for (query, hints) in WEIGHED {
            let path = format!("/v1/gyms/{gym}/stories/feed?limit={limit}{query}");
            let reply = client.get(&path, hints).await?;
            let mut coded = hints.to_vec();
            coded.push(("accept-encoding", "br, zstd, gzip"));
            let compressed = client.get(&path, &coded).await?.body.len();
            let feed: Value = serde_json::from_slice(&reply.body)?;
            let plan = feed.get("media_plan").context("a feed without a media plan")?;
            let number = |key: &str| plan.get(key).and_then(Value::as_u64);
            let (budget, total) =
                (number("budget_bytes").context("no budget")?, number("total_bytes").context("no total")?);
            let items = plan.get("items").and_then(Value::as_array).context("no items")?;
            let sum: u64 = items.iter().filter_map(|item| item.get("bytes").and_then(Value::as_u64)).sum();
            let asked: Vec<String> = hints.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            let asked = format!("limit={limit}{query} {}", asked.join(", ")).trim_end().to_owned();
            report.expect(
                format!("media planned for `{asked}` keep to {budget} bytes: {sum}"),
                sum <= budget && sum == total,
            );
            table.row(&[
                asked,
                ids(&feed).len().to_string(),
                reply.body.len().to_string(),
                compressed.to_string(),
                items.len().to_string(),
                budget.to_string(),
                sum.to_string(),
            ]);
        }
    }
    table.print();
    Ok(())
}

fn ids(feed: &Value) -> Vec<String> {
    let users = feed.get("user_stories").and_then(Value::as_array).into_iter().flatten();
    let stories = users.filter_map(|user| user.get("stories").and_then(Value::as_array)).flatten();
    stories.filter_map(|story| story.get("id").and_then(Value::as_str).map(str::to_owned)).collect()
}

impl Client<'_> {
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Reply> {
        let mut request = Request::get(path)
            .header(header::HOST, self.addr.to_string())
            .header(header::AUTHORIZATION, self.bearer);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.exchange(request.body(Full::default())?).await
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Reply> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.addr.to_string())
            .header(header::AUTHORIZATION, self.bearer)
            .header(header::CONTENT_TYPE, "application/json");
        self.exchange(request.body(Full::new(Bytes::from(body.to_string())))?).await
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Reply> {
        let what = format!("{} {}", request.method(), request.uri());
        let reply = self.pool.exchange(request, PATIENCE).await;
        let reply = reply.map_err(|failure| anyhow::anyhow!("{what}: {}", failure.label()))?;
        let text = || String::from_utf8_lossy(&reply.body).into_owned();
        anyhow::ensure!(reply.status.is_success(), "{what}: {} {}", reply.status, text());
        Ok(reply)
    }
}

/// Reads of the service's cache by family and source.
async fn reads(pool: &Pool, addr: SocketAddr) -> anyhow::Result<BTreeMap<(String, String), u64>> {
    let request = Request::get("/metrics").header(header::HOST, addr.to_string()).body(Full::default())?;
    let reply = pool.exchange(request, PATIENCE).await;
    let reply = reply.map_err(|failure| anyhow::anyhow!("/metrics: {}", failure.label()))?;
    Ok(parsed(&String::from_utf8_lossy(&reply.body)))
}

fn parsed(text: &str) -> BTreeMap<(String, String), u64> {
    let label = |labels: &str, name: &str| {
        let (_, rest) = labels.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    text.lines()
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let labels = series.strip_prefix("freshness_reads_total{")?;
            Some(((label(labels, "family")?, label(labels, "source")?), value.parse::<f64>().ok()?))
        })
        .fold(BTreeMap::new(), |mut all, (key, value)| {
            // Counts are whole numbers.
            *all.entry(key).or_default() += format!("{value:.0}").parse().unwrap_or(0);
            all
        })
}

fn difference(
    before: &BTreeMap<(String, String), u64>,
    after: &BTreeMap<(String, String), u64>,
    family: &str,
) -> BTreeMap<String, u64> {
    let of_family = after.iter().filter(|((one, _), _)| one == family);
    let since =
        of_family.map(|(key, value)| (key.1.clone(), value - before.get(key).unwrap_or(&0).min(value)));
    since.filter(|(_, times)| *times > 0).collect()
}

/// Whether this source of an answer is the database, not a copy.
fn is_load(source: &str) -> bool {
    !["local", "shared", "joined"].contains(&source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_counted_by_part_and_source() {
        let text = "# HELP x\nfreshness_reads_total{service=\"a\",family=\"feed_body\",source=\"local\"} 7\n\
                    freshness_reads_total{family=\"feed_body\",source=\"loaded\"} 2\nother 5\n";
        let found = difference(&BTreeMap::new(), &parsed(text), "feed_body");
        assert_eq!(found, BTreeMap::from([("local".to_owned(), 7), ("loaded".to_owned(), 2)]));
        assert!(is_load("loaded") && !is_load("local"));
    }

    #[test]
    fn stories_of_a_feed_are_found() {
        let feed = json!({"user_stories": [{"stories": [{"id": "a"}]}, {"stories": [{"id": "b"}]}]});
        assert_eq!(ids(&feed), ["a", "b"]);
    }
}
