//! Photos that somebody has changed.

use super::{Exported, assert_names, verify};

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_with_another_byte_is_named_with_its_event() {
    let desk = Exported::new().await;
    let out = desk.export_with_files("all").await;
    let (ok, logs) = verify(&out).await;
    assert!(ok, "{logs}");
    let sql = "SELECT encode(sha256, 'hex') AS line FROM file_upload WHERE package_id = $1 LIMIT 1";
    let digest = super::database::text(&desk, sql, desk.packages[1]).await;
    let photo = format!("{out}/files/{digest}");
    let mut bytes = std::fs::read(&photo).unwrap();
    bytes[3] ^= 1;
    std::fs::write(&photo, bytes).unwrap();
    let logs = verify(&out).await;
    assert_names(&logs, desk.packages[1], 1);
    assert!(logs.1.contains("is not the one recorded"), "{}", logs.1);
    assert!(!logs.1.contains(&desk.packages[0].to_string()), "{}", logs.1);
    // One that is not kept any more says nothing.
    std::fs::remove_file(&photo).unwrap();
    let (ok, logs) = verify(&out).await;
    assert!(ok, "{logs}");
    desk.harness.stop().await;
}
