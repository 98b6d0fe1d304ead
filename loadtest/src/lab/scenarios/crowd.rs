//! The crowd of sockets, whose drill is one of its own: its figures and what it expects are taken over.

use clap::Parser as _;

use super::Found;
use crate::lab::results::Fact;
use crate::lab::site::Site;
use crate::stories_crowd;

const NAME: &str = "crowd";
const SOCKETS: &str = "5000";
const FEW_SOCKETS: &str = "200";

/// The drill's own arguments, as on a command line.
#[derive(clap::Parser)]
struct Drill {
    #[command(flatten)]
    args: stories_crowd::Args,
}

pub(super) async fn run(site: &Site, is_quick: bool) -> anyhow::Result<Found> {
    let program = |name: &str| site.programs.join(name).display().to_string();
    let sockets = if is_quick { FEW_SOCKETS } else { SOCKETS };
    let (feed, gateway, folder) =
        (program("stories-feed"), program("gateway"), site.folder.join(NAME).display().to_string());
    let words = [
        NAME,
        "--sockets",
        sockets,
        "--gateways",
        "1",
        "--stories",
        "10",
        "--cuts",
        "2",
        "--stories-feed",
        &feed,
        "--gateway",
        &gateway,
        "--folder",
        &folder,
    ];
    let report = Box::pin(stories_crowd::run(Drill::try_parse_from(words)?.args)).await?;
    let facts = report.facts().iter().map(|(what, value)| Fact {
        scenario: NAME.to_owned(),
        what: format!("{what} ({sockets} sockets)"),
        value: value.clone(),
    });
    let mut found = Found { facts: facts.collect(), ..Found::default() };
    for what in report.failed() {
        if is_quick {
            // What a process takes once is too much for so few.
            let (what, value) = (what.clone(), "not so, of few sockets".to_owned());
            found.facts.push(Fact { scenario: NAME.to_owned(), what, value });
        } else {
            found.broken.push(format!("{NAME}: {what}"));
        }
    }
    Ok(found)
}
