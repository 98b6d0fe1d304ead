//! Where a client begins, and from where it can go on.

use uuid::Uuid;

use super::socket::{Entry, Listener, QUICK, fence};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

/// A gym with a public story, and what to say of it.
async fn gym(app: &Harness) -> (Uuid, Uuid, Entry) {
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let story = app.story(StoryRow::text(gym, ada)).await;
    (gym, ada, Entry::story("prepend_story", story, ada, "public"))
}

#[tokio::test]
async fn who_comes_without_a_position_is_told_to_read_the_feed_and_hears_what_follows() {
    let app = Harness::with(QUICK).await;
    let (gym, ada, entry) = gym(&app).await;
    app.append(gym, &[entry.clone(), entry.clone()]).await;
    let mut listener = Listener::open(&app, gym, ada, None).await;
    assert!(!listener.recovered);
    let (epoch, seq) = listener.position.split_once(':').unwrap();
    assert_eq!((epoch.len(), seq), (32, "2"));
    app.append(gym, &[entry.with(serde_json::json!({"type": "text", "caption": "done"}))]).await;
    let event = listener.next().await;
    assert_eq!(
        event["position"],
        format!("{}:3", event["position"].as_str().unwrap().split_once(':').unwrap().0)
    );
    assert_eq!((&event["action"], &event["data"]["caption"]), (&"prepend_story".into(), &"done".into()));
    app.stop().await;
}

#[tokio::test]
async fn who_comes_back_is_told_what_was_missed_whether_others_stayed_or_not() {
    let app = Harness::with(QUICK).await;
    let (gym, ada, entry) = gym(&app).await;
    let bob = app.new_member(gym, "Bob").await;
    let stays = Listener::open(&app, gym, bob, None).await;
    let left = Listener::open(&app, gym, ada, None).await.position;
    app.append(gym, &[entry.clone(), fence(), entry, fence()]).await;
    for others in [Some(stays), None] {
        let mut back = Listener::open(&app, gym, ada, Some(&left)).await;
        assert!(back.recovered);
        assert_eq!(back.position, left, "what it was told before the rest came is where it stands");
        assert_eq!((back.until_fence().await.len(), back.until_fence().await.len()), (1, 1));
        let up_to_date = back.position.clone();
        let again = Listener::open(&app, gym, ada, Some(&up_to_date)).await;
        assert!(again.recovered);
        assert_eq!(again.position, up_to_date);
        drop((others, back, again));
        app.wait_for_metric("stories_sockets_open{service=\"stories-feed\"} 0").await;
    }
    app.stop().await;
}

#[tokio::test]
async fn a_position_from_which_nobody_can_go_on_is_no_position() {
    let app = Harness::with(QUICK).await;
    let (gym, ada, entry) = gym(&app).await;
    app.append(gym, &vec![entry.clone(); 6]).await;
    let end = app.position(gym).await;
    let (epoch, _) = end.split_once(':').unwrap();
    let at = |seq: i64| format!("{epoch}:{seq}");
    app.sql(&format!("DELETE FROM feed_event WHERE gym_id = '{gym}' AND seq <= 3")).await;
    for (position, is_known) in
        [(at(2), false), (at(3), true), (at(6), true), (at(7), false), (format!("{:032}:6", 1), false)]
    {
        let mut listener = Listener::open(&app, gym, ada, Some(&position)).await;
        assert_eq!(listener.recovered, is_known, "{position}");
        assert_eq!(listener.position, if is_known { &position } else { &end }.as_str());
        // Whoever cannot go on is told nothing of before.
        app.append(gym, &[fence()]).await;
        let heard = listener.until_fence().await.len();
        assert_eq!(heard == 0, !is_known || position == end, "{position}: {heard}");
        // The fence is no part of the next.
        drop(listener);
        app.wait_for_metric("stories_sockets_open{service=\"stories-feed\"} 0").await;
        app.sql(&format!(
            "DELETE FROM feed_event WHERE gym_id = '{gym}' AND seq > 6; UPDATE feed_clock SET seq = 6 WHERE gym_id = '{gym}'"
        ))
        .await;
    }
    app.append(gym, &vec![entry; 300]).await;
    let far = Listener::open(&app, gym, ada, Some(&at(6))).await;
    assert!(!far.recovered, "reading the feed is cheaper than hearing so much");
    app.stop().await;
}

#[tokio::test]
async fn who_is_there_when_the_log_loses_its_way_reads_the_feed_anew() {
    let app = Harness::with(QUICK).await;
    let (gym, ada, entry) = gym(&app).await;
    let mut listener = Listener::open(&app, gym, ada, None).await;
    app.append(gym, &[entry.clone(), fence()]).await;
    assert_eq!(listener.until_fence().await.len(), 1);
    // Restored from a backup: another epoch, and older.
    let epoch = Uuid::now_v7();
    app.sql(&format!(
        "DELETE FROM feed_event WHERE gym_id = '{gym}'; UPDATE feed_clock SET epoch = '{epoch}', seq = 1 WHERE gym_id = '{gym}'"
    ))
    .await;
    assert_eq!(listener.next().await["action"], "refetch");
    assert_eq!(listener.position, format!("{}:1", epoch.simple()));
    // What was told is missing in the log.
    app.sql(&format!(
        "UPDATE feed_clock SET seq = 3 WHERE gym_id = '{gym}'; DELETE FROM feed_event WHERE gym_id = '{gym}'"
    ))
    .await;
    assert_eq!(listener.next().await["action"], "refetch");
    app.append(gym, &[entry, fence()]).await;
    assert_eq!(listener.until_fence().await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_position_and_what_is_not_known_is_refused() {
    let app = Harness::start().await;
    let (gym, ada, _) = gym(&app).await;
    let token = app.token(ada);
    for (query, pointer) in [
        ("position=x", "?position"),
        ("positions=1", "?positions"),
        ("position=a:1&position=a:1", "?position"),
    ] {
        let answer = app.get(&format!("/ws/stories/{gym}?{query}"), &token).await;
        assert_eq!(answer.expect_problem(400, "invalid_parameter"), [pointer]);
    }
    app.get(&format!("/ws/stories/{gym}"), &token).await.expect_problem(400, "malformed_request");
    app.wait_for_metric("stories_sockets_open{service=\"stories-feed\"} 0").await;
    app.stop().await;
}
