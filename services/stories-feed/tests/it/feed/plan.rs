//! The media plan stays within its bytes for every combination of hints, and names only what the client reads (S-D5, S-D9).

use std::collections::HashMap;

use uuid::Uuid;

use super::{feed_of, stories};
use crate::fixtures::StoryRow;
use crate::harness::{Answer, Harness};

const PICTURE: [(&str, &str, u64, u32); 7] = [
    ("placeholder", "webp", 300, 20),
    ("thumb", "avif", 4_000, 200),
    ("thumb", "webp", 6_000, 200),
    ("thumb", "jpg", 9_000, 200),
    ("preview", "webp", 30_000, 640),
    ("full", "avif", 70_000, 1080),
    ("full", "jpg", 200_000, 1080),
];
const VIDEO: [(&str, &str, u64, u32); 4] = [
    ("thumb", "jpg", 9_000, 200),
    ("poster", "jpg", 120_000, 1080),
    ("video_720p", "mp4", 4_000_000, 720),
    ("hls", "m3u8", 9_000_000, 1080),
];

async fn scene() -> (Harness, Uuid, Uuid) {
    let app = Harness::start().await;
    let gym = app.gym().await;
    let me = app.new_member(gym, "Me").await;
    let ana = app.new_member(gym, "Ana").await;
    for number in 0..25 {
        let (kind, renditions) =
            if number % 4 == 3 { ("video", VIDEO.as_slice()) } else { ("image", PICTURE.as_slice()) };
        let asset = app.media(ana, kind, renditions).await;
        app.story(StoryRow::media(gym, ana, kind, asset)).await;
    }
    (app, gym, me)
}

/// The plan's bytes, each item checked against the story that it is for.
fn checked(answer: &Answer) -> (u64, u64, usize) {
    let page = answer.json();
    let mut renditions = HashMap::new();
    for story in stories(&page) {
        for rendition in story["media"]["renditions"].as_array().unwrap() {
            let key = (story["id"].to_string(), rendition["url"].to_string());
            renditions.insert(key, rendition["bytes"].as_u64().unwrap());
        }
    }
    let plan = &page["media_plan"];
    let items = plan["items"].as_array().unwrap();
    let sum: u64 = items
        .iter()
        .map(|item| {
            let bytes = renditions[&(item["story_id"].to_string(), item["url"].to_string())];
            assert_eq!(item["bytes"], bytes);
            bytes
        })
        .sum();
    let budget = plan["budget_bytes"].as_u64().unwrap();
    assert_eq!(plan["total_bytes"], sum);
    assert!(sum <= budget, "{sum} of {budget}");
    (sum, budget, items.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_is_within_its_budget_for_every_combination_of_hints() {
    let (app, gym, me) = scene().await;
    let token = app.token(me);
    let mut tried = 0;
    for accept in ["*/*", "image/avif,image/webp;q=0.8,*/*"] {
        for saves in [None, Some("on")] {
            for ect in [None, Some("slow-2g"), Some("3g")] {
                for downlink in [None, Some("0.15"), Some("fast")] {
                    for width in [None, Some(("360", "3")), Some(("0", "x"))] {
                        for budget in ["", "?budget=0", "?budget=50000", "?budget=9000000"] {
                            let mut fields = vec![("Accept", accept)];
                            fields.extend(saves.map(|value| ("Save-Data", value)));
                            fields.extend(ect.map(|value| ("ECT", value)));
                            fields.extend(downlink.map(|value| ("Downlink", value)));
                            fields.extend(width.map(|(width, _)| ("Width", width)));
                            fields.extend(width.map(|(_, density)| ("DPR", density)));
                            let path = format!("{}{budget}", feed_of(gym));
                            let answer = app.get_with(&path, &token, &fields).await.expect(200);
                            checked(&answer);
                            let has_hints = !answer.json()["prefetch_hints"].as_array().unwrap().is_empty();
                            assert_eq!(has_hints, saves.is_none(), "{fields:?}");
                            tried += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(tried, 2 * 2 * 3 * 3 * 3 * 4);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_what_it_can_use() {
    let (app, gym, me) = scene().await;
    let token = app.token(me);
    let (path, all) = (feed_of(gym), "image/avif,image/webp");
    let formats = |answer: &Answer| {
        let page = answer.json();
        let items = page["media_plan"]["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["format"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let plain = app.get(&path, &token).await.expect(200);
    assert!(formats(&plain).iter().all(|format| format == "jpg"), "who names no format reads JPEG");
    let (sum, budget, count) = checked(&plain);
    assert_eq!((budget, count), (1_000_000, 25));
    assert!(sum > 800_000, "the budget is used: {sum}");
    let modern = app.get_with(&path, &token, &[("Accept", all)]).await.expect(200);
    assert!(formats(&modern).contains(&"avif".to_owned()));
    // A narrow screen needs no more than thumbnails; wide ones, videos where they can be paid for.
    let narrow = app.get_with(&path, &token, &[("Accept", all), ("Width", "100"), ("DPR", "2")]).await;
    assert_eq!(checked(&narrow.expect(200)).0, 19 * 4_000 + 6 * 9_000);
    let rich = app.get(&format!("{path}?budget=50000000"), &token).await.expect(200);
    assert_eq!(formats(&rich).iter().filter(|format| *format == "mp4").count(), 6);
    assert!(!formats(&rich).contains(&"m3u8".to_owned()), "a playlist is not loaded as a whole");
    for answer in [&plain, &modern] {
        assert!(answer.header("vary").contains("Accept,"), "{:?}", answer.headers);
    }
    app.stop().await;
}
