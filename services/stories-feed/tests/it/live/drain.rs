//! A process that ends sends its clients elsewhere.

use std::time::Duration;

use test_harness::{Process, free_port};

use super::socket::{Listener, QUICK, fence, query};
use crate::harness::Harness;

#[tokio::test]
async fn who_is_sent_away_by_a_process_that_ends_goes_on_at_another() {
    let app = Harness::with(QUICK).await;
    let gym = app.gym().await;
    let ada = app.new_member(gym, "Ada").await;
    let port = free_port();
    let mut table: toml::Table = toml::from_str(&app.config).unwrap();
    table["http"].as_table_mut().unwrap().insert("bind".to_owned(), format!("127.0.0.1:{port}").into());
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), table.to_string()).unwrap();
    let arguments = ["serve", "--config", file.path().to_str().unwrap()];
    let mut process = Process::spawn("stories-feed", &arguments, &[]);
    let base = format!("http://127.0.0.1:{port}");
    process.wait_ready(&format!("{base}/readyz")).await;

    let path = format!("/ws/stories/{gym}");
    let token = app.token(ada);
    let mut listener = Listener::connect(&base, &path, Some(&token)).await.unwrap();
    app.append(gym, &[fence()]).await;
    assert_eq!(listener.until_fence().await, []);
    let told = listener.position.clone();
    let (status, (code, position)) =
        tokio::join!(process.terminate(Duration::from_secs(20)), listener.closed());
    assert_eq!((code, &position), (1012, &told));
    assert!(status.success(), "{status}");

    app.append(gym, &[fence()]).await;
    let path = format!("{path}{}", query(Some(&position)));
    let mut back = Listener::connect(&app.base, &path, Some(&token)).await.unwrap();
    assert!(back.recovered);
    assert_eq!(back.until_fence().await, []);
    app.stop().await;
}
