//! The chains of custody as files: whatever is changed, in them or in the database, is named (P-D4). And the books beside them.

mod books;
mod database;
mod files;
mod lines;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::assets;
use crate::command::{Command, run, verify};
use crate::harness::Harness;

/// A desk with two packages in their slots, three events each, and what was exported of it.
struct Exported {
    harness: Harness,
    command: Command,
    packages: [Uuid; 2],
}

impl Exported {
    async fn new() -> Self {
        let harness = Harness::with("[jobs]\nenabled = false").await;
        let staff = harness.staff().await;
        let customer = harness.enrolled(Uuid::now_v7(), "Ana Peña", "+573001234567").await;
        harness
            .post("/v1/slots", &staff.admin, &json!({"codes": ["A-01", "A-02"], "size_class": "extra"}))
            .await
            .expect(201);
        let mut packages = Vec::new();
        for guide in ["RR473124829CO", "986578788855"] {
            let body = json!({
                "customer_id": customer, "guide": guide, "size_class": "small", "condition": "good",
                "photos": [Uuid::now_v7(), Uuid::now_v7()], "note": "as \"it\" came: ñ",
            });
            let package = harness.post("/v1/packages", &staff.operator, &body).await.expect(201).json();
            let id: Uuid = package_id(&package);
            let step = |name: &str| format!("/v1/packages/{id}/{name}");
            harness.post(&step("store"), &staff.operator, &json!({})).await.expect(200);
            harness.post(&step("notify"), &staff.operator, &json!({"channel": "call"})).await.expect(200);
            packages.push(id);
        }
        packages.sort();
        Self { harness, command: Command::new(), packages: [packages[0], packages[1]] }
    }

    /// Exports into a directory of this name.
    async fn export(&self, name: &str) -> String {
        self.command.export(&self.harness.config, name).await
    }

    /// The same with the originals.
    async fn export_with_files(&self, name: &str) -> String {
        let (out, config) =
            (self.command.path(name), self.command.write("config.toml", &self.harness.config));
        let source = assets::url();
        let args = ["custody", "export", "--config", &config, "--out", &out, "--files-from", &source];
        let (ok, logs) = run(&args, &[("ALDIA_TOKEN", "a token")]).await;
        assert!(ok, "{logs}");
        assert!(logs.contains("4 files, 0 of them"), "{logs}");
        out
    }
}

fn package_id(answer: &Json) -> Uuid {
    let package = if answer["package"].is_object() { &answer["package"] } else { answer };
    package["id"].as_str().unwrap().parse().unwrap()
}

/// The lines of a file of an export.
fn lines(out: &str, name: &str) -> Vec<String> {
    std::fs::read_to_string(format!("{out}/{name}")).unwrap().lines().map(str::to_owned).collect()
}

/// Puts lines in the place of those of an export.
fn put_lines(out: &str, name: &str, lines: &[String]) {
    std::fs::write(format!("{out}/{name}"), lines.join("\n") + "\n").unwrap();
}

/// Fails the test unless checking an export names this event, and ends with an error.
#[track_caller]
fn assert_names(logs: &(bool, String), package: Uuid, seq: usize) {
    let named = format!("package {package}, event {seq}: ");
    assert!(!logs.0 && logs.1.contains(&named), "{named} is not in\n{}", logs.1);
}
