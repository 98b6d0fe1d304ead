//! What one client may cost the others.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use uuid::Uuid;

use super::socket::{Entry, Listener, QUICK, fence};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

/// One that does not read is sent away as soon as more waits for it than is kept, hears where it was, and goes on from there.
#[tokio::test]
async fn a_slow_client_is_sent_away_with_its_position_and_resumes_from_there() {
    let app = Harness::with("[live]\npoll_ms = 30\nmax_queued = 8\n").await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let story = app.story(StoryRow::text(gym, ada)).await;
    let large = json!({"type": "text", "caption": "x".repeat(200_000)});
    let entry = Entry::story("update_story", story, ada, "public").with(large);
    let mut slow = Listener::open(&app, gym, ada, None).await;
    let mut quick = Listener::open(&app, gym, ada, None).await;
    let (mut told, shed) = (0, "stories_sockets_shed_total{service=\"stories-feed\"} 1");
    while !app.metrics().await.lines().any(|line| line == shed) {
        app.append(gym, &vec![entry.clone(); 10]).await;
        app.append(gym, &[fence()]).await;
        assert_eq!(quick.until_fence().await.len(), 10, "others hear all, and more than is kept for them");
        told += 11;
        assert!(told < 250, "nobody is slow");
    }
    let mut heard = Vec::new();
    let (code, reason) = loop {
        match slow.event().await {
            Ok(event) => heard.push(event["position"].as_str().unwrap().to_owned()),
            Err(frame) => {
                let frame = frame.unwrap();
                break (u16::from(frame.code), frame.reason.to_string());
            }
        }
    };
    assert_eq!((code, Some(&reason)), (1013, heard.last()), "no more was told than it says");
    let mut back = Listener::open(&app, gym, ada, Some(&reason)).await;
    assert!(back.recovered);
    while heard.len() < told {
        heard.push(back.next().await["position"].as_str().unwrap().to_owned());
    }
    let seqs: Vec<u64> =
        heard.iter().map(|position| position.split_once(':').unwrap().1.parse().unwrap()).collect();
    assert_eq!(seqs, (1..=told as u64).collect::<Vec<_>>(), "nothing is left out, nothing comes twice");
    app.stop().await;
}

async fn refused(app: &Harness, gym: Uuid, person: Uuid) -> (u16, Option<String>) {
    let path = format!("/ws/stories/{gym}");
    match Listener::connect(&app.base, &path, Some(&app.token(person))).await {
        Err(Error::Http(answer)) => {
            let code =
                serde_json::from_slice::<serde_json::Value>(answer.body().as_deref().unwrap_or_default())
                    .ok()
                    .and_then(|problem| problem["code"].as_str().map(str::to_owned));
            (answer.status().as_u16(), code)
        }
        Ok(_) => (101, None),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_person_has_so_many_sockets_and_a_process_has() {
    let app = Harness::with("[live]\nmax_sockets = 3\nmax_sockets_per_person = 2\n").await;
    let gym = app.gym().await;
    let [ada, bob] = [app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await];
    let adas = [Listener::open(&app, gym, ada, None).await, Listener::open(&app, gym, ada, None).await];
    assert_eq!(refused(&app, gym, ada).await.0, 503);
    let bobs = Listener::open(&app, gym, bob, None).await;
    assert_eq!(refused(&app, gym, bob).await.0, 503);
    let answer = app.get(&format!("/ws/stories/{gym}"), &app.token(bob)).await;
    answer.expect_problem(503, "too_many_sockets");
    assert_eq!(answer.header("retry-after"), "5");
    app.wait_for_metric("stories_sockets_open{service=\"stories-feed\"} 3").await;
    drop((adas, bobs));
    app.wait_for_metric("stories_sockets_open{service=\"stories-feed\"} 0").await;
    Listener::open(&app, gym, ada, None).await;
    app.stop().await;
}

#[tokio::test]
async fn what_a_client_says_is_bounded_and_not_read() {
    let app = Harness::with(QUICK).await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let mut listener = Listener::open(&app, gym, ada, None).await;
    listener.say(Message::Text("hello?".into())).await;
    listener.say(Message::Ping(Bytes::from_static(b"there?"))).await;
    app.append(gym, &[fence()]).await;
    assert_eq!(listener.until_fence().await, []);
    listener.say(Message::Binary(vec![0; 4096].into())).await;
    assert_eq!(listener.closed().await.0, 1009);
    let mut listener = Listener::open(&app, gym, ada, None).await;
    listener.say(Message::Close(None)).await;
    assert_eq!(listener.closed().await.0, 1000);
    app.wait_for_metric("stories_sockets_open{service=\"stories-feed\"} 0").await;
    app.stop().await;
}

/// A client whose line is dead without a word does not answer pings; one that reads does, and stays.
#[tokio::test]
async fn who_gives_no_sign_of_life_is_gone() {
    let app = Harness::with("[live]\nheartbeat_secs = 1\n").await;
    let gym = app.gym().await;
    let [ada, bob] = [app.new_member(gym, "Ada").await, app.new_member(gym, "Bob").await];
    let silent = Listener::open(&app, gym, ada, None).await;
    let mut alive = Listener::open(&app, gym, bob, None).await;
    let reading = async { alive.event().await };
    let gone = async {
        app.wait_for_metric("stories_sockets_open{service=\"stories-feed\"} 1").await;
        // Longer than a silent one is borne.
        sleep(Duration::from_millis(2500)).await;
    };
    tokio::select! {
        ended = reading => panic!("{ended:?}"),
        () = gone => {}
    }
    assert_eq!(silent.closed().await, (1008, "no sign of life".to_owned()));
    app.stop().await;
}
