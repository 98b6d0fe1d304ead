//! What operations are asked about: made anew for each request, so that no answer depends on the one before.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel_async::SimpleAsyncConnection as _;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::matrix::Caller;
use crate::desk::{Staff, TARIFF};
use crate::harness::{Answer, Harness};

/// A desk with somebody of each kind at and before it.
pub(super) struct World {
    pub(super) app: Harness,
    staff: Staff,
    ada: Uuid,
    ada_token: String,
    other_token: String,
    /// Tells numbers of one test apart.
    count: AtomicU32,
}

/// How far a package of Ada's has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Announced,
    Received,
    Stored,
    Delivered,
}

/// What a path is filled with.
#[derive(Default)]
struct Subject {
    announcement: Json,
    package: Json,
    code: Json,
    payment: Json,
    transfer: Json,
    slot: Json,
    claim: Json,
    notification: Json,
}

impl World {
    pub(super) async fn start() -> Self {
        Self::with("").await
    }

    /// The same with more settings.
    pub(super) async fn with(more: &str) -> Self {
        // What changes by itself would look like the work of who was refused.
        let app = Harness::with(&format!("[jobs]\nenabled = false\n{more}")).await;
        let staff = app.staff().await;
        let (ada_token, other_token) = (app.token(Uuid::now_v7()), app.token(Uuid::now_v7()));
        let document = json!({"type": "cc", "number": "1020304"});
        let ada = json!({"name": "Ada", "phone": "+573001234567", "document": document});
        let ada = app.post("/v1/customers", &ada_token, &ada).await.expect(201).json();
        let eve = json!({"name": "Eve", "phone": "+573110000000"});
        app.post("/v1/customers", &other_token, &eve).await.expect(201);
        let ada = ada["id"].as_str().unwrap().parse().unwrap();
        Self { app, staff, ada, ada_token, other_token, count: AtomicU32::new(1) }
    }

    fn next(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    fn token(&self, caller: Caller) -> Option<String> {
        Some(match caller {
            Caller::Nobody => return None,
            Caller::Stranger => self.app.token(Uuid::now_v7()),
            Caller::Other => self.other_token.clone(),
            Caller::Own => self.ada_token.clone(),
            Caller::Operator => self.staff.operator.clone(),
            Caller::Admin => self.staff.admin.clone(),
            Caller::Auditor => self.staff.auditor.clone(),
        })
    }

    /// A request that lacks nothing but perhaps the right to it.
    pub(super) async fn request(&self, method: &str, path: &str, caller: Caller) -> RequestBuilder {
        let (url, body) = self.case(method, path, caller).await;
        self.made(method, &url, caller, body)
    }

    /// Where a request goes that lacks nothing, and what is in it.
    pub(super) async fn case(&self, method: &str, path: &str, caller: Caller) -> (String, Option<Json>) {
        let subject = self.subject(method, path).await;
        let url = self.fill(method, path, &subject).await;
        (url, self.body(method, path, caller, &subject))
    }

    /// A request of this caller.
    pub(super) fn made(&self, method: &str, url: &str, caller: Caller, body: Option<Json>) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.app.request(method.clone(), url, self.token(caller).as_deref());
        let request = match method.as_str() {
            "PATCH" | "DELETE" => request.header("If-Match", "*"),
            _ => request,
        };
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    async fn fill(&self, method: &str, path: &str, subject: &Subject) -> String {
        let user = Uuid::now_v7();
        if method == "DELETE" {
            let body = json!({"role": "operator", "name": "Bea"});
            let path = format!("/v1/operators/{user}");
            self.app.put(&path, &self.staff.admin, Some(&body)).await.expect(201);
        }
        let mut url = path
            .replace("{customer}", &self.ada.to_string())
            .replace("{user}", &user.to_string())
            .replace("{tariff}", &TARIFF.to_string());
        for (variable, thing) in [
            ("{announcement}", &subject.announcement),
            ("{package}", &subject.package),
            ("{payment}", &subject.payment),
            ("{slot}", &subject.slot),
            ("{claim}", &subject.claim),
            ("{notification}", &subject.notification),
        ] {
            url = url.replace(variable, thing["id"].as_str().unwrap_or_default());
        }
        url
    }

    async fn subject(&self, method: &str, path: &str) -> Subject {
        let stage = match (method, path) {
            (_, "/v1/packages/{package}/receive" | "/v1/announcements/{announcement}/cancel") => {
                Stage::Announced
            }
            ("POST", "/v1/packages/{package}/store" | "/v1/packages/{package}/cancel") => Stage::Received,
            (_, "/v1/packages/{package}/receipt" | "/v1/ledger/corrections") => Stage::Delivered,
            (_, path) if path.contains("{package}") || path.contains("{payment}") => Stage::Stored,
            (_, path) if path.contains("{claim}") => Stage::Stored,
            (_, path) if path.contains("{announcement}") || path.contains("{notification}") => {
                Stage::Announced
            }
            (_, path) if path.contains("{slot}") => {
                return Subject { slot: self.slot().await, ..Subject::default() };
            }
            _ => return Subject::default(),
        };
        let mut subject = self.package(stage).await;
        let package = subject.package["id"].as_str().unwrap().to_owned();
        if path.contains("{payment}") {
            let payment = json!({"method": "cash", "amount_minor": 150_000, "currency": "COP"});
            let path = format!("/v1/packages/{package}/payments");
            subject.payment = self.desk(&path, &payment).await.expect(201).json();
        }
        if path.contains("{claim}") {
            let claim = json!({"kind": "other", "description": "It is wet."});
            let path = format!("/v1/packages/{package}/claims");
            subject.claim = self.app.post(&path, &self.ada_token, &claim).await.expect(201).json();
        }
        if path.contains("{notification}") {
            let path = format!("/v1/packages/{package}/notifications");
            let messages = self.app.get(&path, &self.ada_token).await.expect(200).json();
            subject.notification = messages["items"][0].clone();
            let sql = "UPDATE notification SET status = 'sent', attempts = 1, next_attempt_at = NULL, sent_at = now() \
                       WHERE status = 'pending'";
            self.app.db.connect().await.batch_execute(sql).await.unwrap();
        }
        if stage == Stage::Delivered {
            let path = format!("/v1/ledger/transfers?package={package}&code=charge_base");
            let transfers = self.app.get(&path, &self.staff.operator).await.expect(200).json();
            subject.transfer = transfers["items"][0]["id"].clone();
        }
        subject
    }

    async fn desk(&self, path: &str, body: &Json) -> Answer {
        self.app.post(path, &self.staff.operator, body).await
    }

    async fn slot(&self) -> Json {
        let body = json!({"codes": [format!("A-{}", self.next())], "size_class": "extra"});
        self.app.post("/v1/slots", &self.staff.admin, &body).await.expect(201).json()["items"][0].clone()
    }

    async fn package(&self, stage: Stage) -> Subject {
        let body = json!({"guide_number": format!("TIENDA{:06}", self.next())});
        let announcement =
            self.app.post("/v1/announcements", &self.ada_token, &body).await.expect(201).json();
        let path = format!("/v1/packages/{}", announcement["package_id"].as_str().unwrap());
        if stage >= Stage::Received {
            self.desk(&format!("{path}/receive"), &received()).await.expect(200);
            // One that a package can be put into, whoever asks for that.
            self.slot().await;
        }
        if stage >= Stage::Stored {
            self.desk(&format!("{path}/store"), &json!({})).await.expect(200);
        }
        let code =
            self.app.get(&format!("{path}/code"), &self.ada_token).await.expect(200).json()["code"].clone();
        if stage >= Stage::Delivered {
            self.desk(&format!("{path}/deliver"), &delivery(&code)).await.expect(200);
        }
        let package = self.app.get(&path, &self.ada_token).await.expect(200).json();
        Subject { announcement, package, code, ..Subject::default() }
    }

    fn body(&self, method: &str, path: &str, caller: Caller, subject: &Subject) -> Option<Json> {
        let number = self.next();
        Some(match (method, path) {
            ("POST", "/v1/customers") => json!({"name": "Bob", "phone": format!("+57312{number:07}")}),
            ("PATCH", "/v1/customers/{customer}") => {
                json!({"language": if number.is_multiple_of(2) { "en" } else { "es" }})
            }
            ("PUT", "/v1/operators/{user}") => json!({"role": "auditor", "name": "Bea"}),
            ("POST", "/v1/announcements") => {
                let guide = format!("OTRA{number:06}");
                match caller.moves_packages() {
                    true => json!({"guide_number": guide, "customer_id": self.ada}),
                    false => json!({"guide_number": guide}),
                }
            }
            ("POST", "/v1/announcements/match") => json!({"scanned": "TIENDA000001"}),
            ("POST", "/v1/packages" | "/v1/packages/{package}/receive") => received(),
            ("POST", "/v1/packages/{package}/identify") => json!({"customer_id": self.ada}),
            ("POST", "/v1/packages/{package}/notify") => {
                json!({"channel": "call", "note": "nobody is there"})
            }
            ("POST", "/v1/packages/{package}/deliver") => delivery(&subject.code),
            ("POST", "/v1/packages/{package}/return") => json!({"to": "sender", "reason": "unwanted"}),
            ("POST", "/v1/packages/{package}/abandon") => json!({"disposal": "given away"}),
            ("POST", "/v1/packages/{package}/cancel") => json!({"reason": "by mistake"}),
            ("POST", "/v1/packages/{package}/incidents") => {
                json!({"kind": "damaged", "description": "It fell.", "evidence": [Uuid::now_v7()]})
            }
            ("POST", "/v1/packages/{package}/files") => {
                json!({"kind": "photo", "asset_ids": [Uuid::now_v7()]})
            }
            ("POST", "/v1/packages/{package}/code") => match caller {
                Caller::Own => json!({}),
                _ => json!({"identity": {"document_type": "cc", "document_number": "1020304"}}),
            },
            ("POST", "/v1/packages/{package}/payments") => {
                json!({"method": "cash", "amount_minor": 150_000, "currency": "COP"})
            }
            ("POST", "/v1/packages/{package}/waivers") => json!({"amount_minor": 50_000, "reason": "late"}),
            ("POST", "/v1/packages/{package}/claims") => {
                json!({"kind": "other", "description": "It is wet."})
            }
            ("POST", "/v1/payments/{payment}/refund") => {
                json!({"amount_minor": 50_000, "reason": "too much"})
            }
            ("POST", "/v1/slots") => json!({"codes": [format!("B-{number}")], "size_class": "small"}),
            ("PATCH", "/v1/slots/{slot}") => json!({"status": "blocked", "blocked_reason": "wet"}),
            ("POST", "/v1/tariffs") => tariff(),
            ("POST", "/v1/ledger/corrections") => json!({"transfer_id": subject.transfer, "reason": "wrong"}),
            ("PATCH", "/v1/claims/{claim}") => json!({"status": "read"}),
            ("POST", "/v1/notifications/{notification}/delivered") => return None,
            ("POST", _) => json!({}),
            _ => return None,
        })
    }
}

fn received() -> Json {
    json!({"size_class": "small", "condition": "good", "photos": [Uuid::now_v7(), Uuid::now_v7()]})
}

fn delivery(code: &Json) -> Json {
    let payment = json!({"method": "cash", "amount_minor": 150_000, "currency": "COP"});
    json!({"code": code, "recipient_name": "Ada", "payment": payment})
}

fn tariff() -> Json {
    let line = json!({
        "base_minor": 300_000, "included_hours": 24, "period_hours": 24, "rate_minor": 200_000,
        "cap_minor": 6_000_000, "rounding": "started",
    });
    let policy = json!({
        "free_hours": 24, "reminder_days": [1, 3], "max_hold_days": 30, "abandon_days": 45, "min_sms": 3,
        "min_calls": 2,
    });
    json!({
        "effective_from": chrono::Utc::now() + chrono::TimeDelta::days(400), "currency": "COP", "notice_days": 20,
        "lines": {"small": line, "extra": line}, "policy": policy,
    })
}
