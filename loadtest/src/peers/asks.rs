//! The request of each workload at each peer.

use http::{HeaderValue, StatusCode};

use super::ask::{Ask, UploadWay};
use super::peer::Peer;
use super::workload::Workload;

/// The small public answer, in bytes.
pub(super) const SMALL: u64 = 2 * 1024;
/// The large one.
pub(super) const LARGE: u64 = 50 * 1024;
/// Decimal, as links are.
const MB: usize = 1_000_000;
/// A member of all gyms who has seen some stories.
const MEMBER: &str = "1";
/// People who have seen none; more than are ever asked for before what is kept of the first is gone.
const STRANGERS: &str = "{rand:1000000-1999999999}";
/// Any instant after all packages: a filter that leaves out nothing, and makes each list another one.
const EVENTUALLY: &str = "2099-01-{rand:10-28}T{rand:10-23}:{rand:10-59}:{rand:10-59}.{rand:100000-999999}Z";

/// The request; none where it makes no sense for this peer. `tag` is that of its answer where it has one.
pub(super) fn of(peer: Peer, workload: Workload, tag: Option<&HeaderValue>) -> Option<Ask> {
    if !peer.workloads().contains(&workload) {
        return None;
    }
    match workload {
        Workload::Hot2k => Some(Ask::get(format!("/kept/{SMALL}"), SMALL..=SMALL)),
        Workload::Hot50k => Some(Ask::get(format!("/kept/{LARGE}"), LARGE..=LARGE)),
        Workload::NotModified => Some(of(peer, Workload::Hot2k, None)?.unless(tag?.clone())),
        Workload::Pass => Some(Ask::get(format!("/pass/{SMALL}"), SMALL..=SMALL)),
        Workload::Feed25Warm => feed(peer, 25, MEMBER),
        Workload::Feed25Cold => feed(peer, 25, STRANGERS),
        Workload::Feed100Warm => feed(peer, 100, MEMBER),
        Workload::Feed100Cold => feed(peer, 100, STRANGERS),
        Workload::Feed500Warm => feed(peer, 500, MEMBER),
        Workload::Feed500Cold => feed(peer, 500, STRANGERS),
        Workload::PackagesFirstWarm => Some(packages("skip=0")),
        Workload::PackagesFirstCold => {
            Some(packages(&format!("skip={{rand:0-4980}}&created_to={EVENTUALLY}")))
        }
        Workload::PackagesDeepWarm => Some(packages("skip=160000")),
        Workload::PackagesDeepCold => {
            Some(packages(&format!("skip={{rand:150000-199980}}&created_to={EVENTUALLY}")))
        }
        Workload::CatalogList => Some(Ask::get("/animals?page=1&limit=20", 4_000..=8_000)),
        Workload::Catalog304 => Some(of(peer, Workload::CatalogList, None)?.unless(tag?.clone())),
        Workload::Upload9m => upload(peer, 9 * MB),
        Workload::Upload100m => upload(peer, 100 * MB),
    }
}

/// The workload whose answer has the tag that another asks by.
pub(super) fn tagged(peer: Peer) -> Option<Workload> {
    let tells = |by: Workload, answered: Workload| peer.workloads().contains(&by).then_some(answered);
    tells(Workload::NotModified, Workload::Hot2k).or(tells(Workload::Catalog304, Workload::CatalogList))
}

/// Gyms are known by how many stories they show.
fn feed(peer: Peer, stories: u64, viewer: &str) -> Option<Ask> {
    let form = match peer {
        Peer::StoriesBefore => "before",
        Peer::StoriesAfter => "after",
        _ => return None,
    };
    let pattern = format!("/{form}/feed?gym_id={stories}&user_id={viewer}&limit={stories}");
    Some(Ask::get(pattern, stories * 250..=stories * 900))
}

fn packages(which: &str) -> Ask {
    Ask::get(format!("/after/packages/?{which}&limit=20"), 5_000..=20_000)
}

fn upload(peer: Peer, bytes: usize) -> Option<Ask> {
    let (pattern, way, status) = match peer {
        Peer::UploadFastapi => ("/videos/upload", UploadWay::Multipart, StatusCode::CREATED),
        Peer::UploadNginx => ("/put/{rand:0-999999999999}.mp4", UploadWay::Put, StatusCode::CREATED),
        Peer::UploadTus => ("/files", UploadWay::Tus, StatusCode::NO_CONTENT),
        _ => return None,
    };
    Some(Ask::upload(pattern, bytes, way, status))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn each_peer_is_asked_for_what_it_can_be_asked_and_nothing_else() {
        let tag = HeaderValue::from_static("\"t\"");
        for &peer in Peer::all() {
            for &workload in Workload::value_variants() {
                let ask = of(peer, workload, Some(&tag));
                assert_eq!(ask.is_some(), peer.workloads().contains(&workload), "{peer:?} {workload:?}");
                let by_tag = matches!(workload, Workload::NotModified | Workload::Catalog304);
                if let (true, Some(ask)) = (by_tag, ask) {
                    assert_eq!(ask.status, StatusCode::NOT_MODIFIED);
                    assert!(tagged(peer).is_some());
                    assert!(of(peer, workload, None).is_none(), "asked by a tag that nobody knows");
                }
            }
        }
    }
}
