//! The token check at the door, by route.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::{HttpRequest, HttpResponse, web};
use identity::keys::SigningKey;
use serde_json::json;

use crate::harness::{Gateway, gateway, problem_code, upstream};

struct Issuer {
    key: SigningKey,
    addr: SocketAddr,
}

impl Issuer {
    /// Publishes its key and answers everything else with the Authorization it saw.
    fn start() -> Self {
        let key = SigningKey::generate().unwrap();
        let keys = json!({"keys": [key.public_jwk()]});
        let service = upstream(move |app| {
            let keys = keys.clone();
            app.route(
                "/jwks.json",
                web::get().to(move || std::future::ready(HttpResponse::Ok().json(&keys))),
            )
            .default_service(web::to(async |request: HttpRequest| {
                request
                    .headers()
                    .get("authorization")
                    .map_or(String::new(), |v| v.to_str().unwrap().to_owned())
            }));
        });
        Self { key, addr: service.addr }
    }

    fn token(&self, audience: &str, lifetime_secs: i64) -> String {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let claims = json!({
            "iss": "http://issuer.test", "aud": audience, "sub": "user-1", "jti": "1", "roles": ["instructor"],
            "iat": now - 1000, "nbf": now - 1000, "exp": now + lifetime_secs,
        });
        self.key.sign(&claims).unwrap()
    }

    fn gateway(&self) -> Gateway {
        let route = |name: &str| {
            format!("[[route]]\nname = \"{name}\"\npath = \"/{name}\"\nupstream = \"u\"\nauth = \"{name}\"\n")
        };
        gateway(&format!(
            "[identity]\naudience = \"aldia\"\n[[identity.issuers]]\nissuer = \"http://issuer.test\"\n\
             jwks_url = \"http://{0}/jwks.json\"\n[upstream.u]\nurl = \"http://{0}\"\n{1}{2}{3}",
            self.addr,
            route("required"),
            route("optional"),
            route("none"),
        ))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_asks_for_what_its_policy_says() {
    let issuer = Issuer::start();
    let gateway = issuer.gateway();
    let (good, expired, foreign) =
        (issuer.token("aldia", 600), issuer.token("aldia", -600), issuer.token("other", 600));
    let table = [
        // token, required, optional, none
        (None, 401, 200, 200),
        (Some(good.as_str()), 200, 200, 200),
        (Some(expired.as_str()), 401, 401, 200),
        (Some(foreign.as_str()), 401, 401, 200),
        (Some("nonsense"), 401, 401, 200),
    ];
    for (token, required, optional, none) in table {
        for (path, expected) in [("/required", required), ("/optional", optional), ("/none", none)] {
            let request = gateway.get(path);
            let request = token.map_or(request.try_clone().unwrap(), |token| request.bearer_auth(token));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), expected, "{path} {token:?}");
            if expected == 401 {
                assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
                problem_code(answer).await;
            } else {
                // The service checks again, so it gets what the client sent.
                let seen = token.map_or(String::new(), |token| format!("Bearer {token}"));
                assert_eq!(answer.text().await.unwrap(), seen);
            }
        }
    }
    let expired = gateway.get("/required").bearer_auth(&expired).send().await.unwrap();
    assert_eq!(problem_code(expired).await.1, "token_expired");
}

/// Whatever the service makes of a header, the gateway makes of it: it is the same reader.
#[tokio::test(flavor = "multi_thread")]
async fn headers_are_read_as_services_read_them() {
    let issuer = Issuer::start();
    let gateway = issuer.gateway();
    let status = async |path: &str, lines: &[&str]| {
        let request =
            lines.iter().fold(gateway.get(path), |request, line| request.header("authorization", *line));
        request.send().await.unwrap().status().as_u16()
    };
    let good = format!("bearer  {}", issuer.token("aldia", 600));
    assert_eq!(status("/required", &[&good]).await, 200);
    assert_eq!(status("/optional", &["Basic dXNlcjpwYXNzd29yZA=="]).await, 200, "anonymous");
    assert_eq!(status("/required", &["Basic dXNlcjpwYXNzd29yZA=="]).await, 401);
    for malformed in [&["Bearer"][..], &["Bearer "], &["Bearer a b"], &["Bearer a,Bearer b"], &[&good, &good]]
    {
        assert_eq!(status("/optional", malformed).await, 401, "{malformed:?}");
        assert_eq!(status("/none", malformed).await, 200, "{malformed:?}");
    }
}

/// A client whose token has run out sends it along when it asks for a new one.
#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_routes_for_signing_in_and_keys_look_at_no_token() {
    let issuer = Issuer::start();
    let shipped = include_str!("../../../../deploy/gateway.toml");
    let (_, rest) = shipped.split_once("[identity]").unwrap();
    let rest = rest.replace("127.0.0.1:8081", &issuer.addr.to_string());
    let gateway = gateway(&format!("[identity]{rest}"));
    let expired = issuer.token("aldia", -600);
    for path in ["/v1/auth/token", "/v1/auth/revoke"] {
        let answer = gateway.post(path).bearer_auth(&expired).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.text().await.unwrap(), format!("Bearer {expired}"), "the service decides");
    }
    for (path, expected) in [("/.well-known/jwks.json", 200), ("/v1/animals", 401), ("/v1/breeds", 401)] {
        let answer = gateway.get(path).bearer_auth(&expired).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{path}");
    }
}
