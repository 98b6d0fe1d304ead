//! Answers say where their time went; that it adds up is checked of every answer (`H-D7`).

use uuid::Uuid;

use crate::harness::Harness;

#[tokio::test]
async fn reads_and_writes_name_what_they_waited_for() {
    let app = Harness::start().await;
    let token = app.token(Uuid::now_v7());
    let cold = app.get("/v1/me", &token).await.expect(200);
    assert!(cold.part("db") > Some(0.0) && cold.part("redis") > Some(0.0), "{:?}", cold.headers);
    let body = serde_json::json!({"name": "Ada López", "phone": "300 123 4567"});
    let written = app.post("/v1/customers", &token, &body).await.expect(201);
    for part in ["db", "redis", "announce", "recv"] {
        assert!(written.part(part).is_some(), "{part}: {:?}", written.headers);
    }
    app.stop().await;
}
