//! Which tokens are accepted, and how often their issuer is asked.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::IdentityError;
use identity::keys::SigningKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{Issuer, START};

fn with_header(issuer: &Issuer, change: impl FnOnce(&mut Header)) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(issuer.key.kid().to_owned());
    change(&mut header);
    let der = issuer.key.to_pkcs8();
    let key = EncodingKey::from_ed_der(secrecy::ExposeSecret::expose_secret(&der));
    jsonwebtoken::encode(&header, &issuer.claims(|_| {}), &key).unwrap()
}

fn raw(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_sound_token_names_its_bearer() {
    let issuer = Issuer::new();
    let principal = issuer.verifier().verify(&issuer.token()).await.unwrap();
    assert_eq!((principal.subject.as_str(), principal.token_id.as_str()), ("mara", "t-1"));
    assert!(principal.has_role("instructor") && !principal.has_role("administrator"));
}

#[tokio::test]
async fn a_second_look_costs_no_fetch_and_ends_with_the_token() {
    let issuer = Issuer::new();
    let (verifier, token) = (issuer.verifier(), issuer.token());
    verifier.verify(&token).await.unwrap();
    issuer.away.store(true, std::sync::atomic::Ordering::SeqCst);
    verifier.verify(&token).await.unwrap();
    assert_eq!(issuer.fetched(), 1);
    issuer.pass(905);
    assert_eq!(verifier.verify(&token).await, Err(IdentityError::Expired));
}

#[tokio::test]
async fn wrong_claims_are_refused_each_for_its_reason() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let refused =
        async |change: fn(&mut Value)| verifier.verify(&issuer.token_with(change)).await.unwrap_err();
    assert_eq!(refused(|claims| claims["exp"] = json!(START - 60)).await, IdentityError::Expired);
    assert_eq!(refused(|claims| claims["nbf"] = json!(START + 60)).await, IdentityError::NotYetValid);
    assert_eq!(refused(|claims| claims["aud"] = json!("other")).await, IdentityError::Audience);
    assert_eq!(refused(|claims| claims["aud"] = json!(["x", "y"])).await, IdentityError::Audience);
    assert_eq!(
        refused(|claims| claims["iss"] = json!("https://evil.example")).await,
        IdentityError::UnknownIssuer
    );
    for missing in ["exp", "sub", "aud", "iss"] {
        let token = issuer.token_with(|claims| {
            claims.as_object_mut().unwrap().remove(missing);
        });
        let error = verifier.verify(&token).await.unwrap_err();
        assert!(matches!(error, IdentityError::Malformed(_)), "{missing}: {error:?}");
    }
    assert!(matches!(
        refused(|claims| claims["iss"] = json!(["https://issuer.example"])).await,
        IdentityError::Malformed(_)
    ));
}

#[tokio::test]
async fn one_of_several_audiences_is_enough() {
    let issuer = Issuer::new();
    let token = issuer.token_with(|claims| claims["aud"] = json!(["other", "aldia"]));
    issuer.verifier().verify(&token).await.unwrap();
}

#[tokio::test]
async fn a_token_that_was_touched_is_refused() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let token = issuer.token();
    let parts: Vec<&str> = token.split('.').collect();
    let other = issuer.claims(|claims| claims["roles"] = json!(["administrator"]));
    let forged = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(other.to_string()), parts[2]);
    assert_eq!(verifier.verify(&forged).await, Err(IdentityError::Signature));
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(verifier.verify(&unsigned).await, Err(IdentityError::Signature));
    verifier.verify(&token).await.unwrap();
    assert_eq!(
        verifier.verify(&forged).await,
        Err(IdentityError::Signature),
        "not even beside the sound one"
    );
}

#[tokio::test]
async fn no_algorithm_but_the_keys_own_is_taken() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let claims = issuer.claims(|_| {});
    let kid = issuer.key.kid();
    for alg in ["none", "None", "HS256", "RS256", "ES256", "PS512", "ES384"] {
        let token = raw(&json!({"alg": alg, "kid": kid, "typ": "JWT"}), &claims, b"signature");
        let error = verifier.verify(&token).await.unwrap_err();
        assert!(matches!(error, IdentityError::Algorithm | IdentityError::Malformed(_)), "{alg}: {error:?}");
    }
    // The classic: the public key, which everybody has, used as the shared secret of an HMAC.
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(kid.to_owned());
    let secret = URL_SAFE_NO_PAD.decode(&issuer.key.public_jwk().x).unwrap();
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
    assert_eq!(verifier.verify(&token).await, Err(IdentityError::Algorithm));
}

#[tokio::test]
async fn headers_that_ask_for_more_are_refused() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let malformed = [
        with_header(&issuer, |header| header.kid = None),
        with_header(&issuer, |header| header.kid = Some(String::new())),
        with_header(&issuer, |header| header.kid = Some("k".repeat(300))),
        with_header(&issuer, |header| header.crit = Some(vec!["exp".to_owned()])),
        with_header(&issuer, |header| header.typ = Some("logout+jwt".to_owned())),
        with_header(&issuer, |header| header.typ = Some("dpop+jwt".to_owned())),
    ];
    for token in malformed {
        assert!(matches!(verifier.verify(&token).await, Err(IdentityError::Malformed(_))), "{token}");
    }
    for typ in [None, Some("JWT"), Some("jwt"), Some("at+jwt"), Some("application/at+JWT")] {
        let token = with_header(&issuer, |header| header.typ = typ.map(str::to_owned));
        verifier.verify(&token).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_in_the_header_is_not_a_key_of_the_issuer() {
    let issuer = Issuer::new();
    let stranger = SigningKey::generate().unwrap();
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(issuer.key.kid().to_owned());
    header.jwk = Some(serde_json::from_value(serde_json::to_value(stranger.public_jwk()).unwrap()).unwrap());
    header.jku = Some("https://evil.example/jwks".to_owned());
    let der = stranger.to_pkcs8();
    let key = EncodingKey::from_ed_der(secrecy::ExposeSecret::expose_secret(&der));
    let token = jsonwebtoken::encode(&header, &issuer.claims(|_| {}), &key).unwrap();
    assert_eq!(issuer.verifier().verify(&token).await, Err(IdentityError::Signature));
}

#[tokio::test]
async fn nonsense_is_malformed_and_asks_nobody() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let long = "x".repeat(9_000);
    for nonsense in ["", ".", "..", "a.b.c", "ä.ö.ü", "\u{0}", &long, &format!("{}.", issuer.token())] {
        assert!(matches!(verifier.verify(nonsense).await, Err(IdentityError::Malformed(_))), "{nonsense}");
    }
    assert_eq!(issuer.fetched(), 0);
}

#[tokio::test]
async fn rsa_and_p256_issuers_are_understood() {
    let issuer = Issuer::new();
    let claims = issuer.claims(|_| {});

    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    issuer.publish_raw(json!({
        "kty": "RSA", "kid": "rsa", "use": "sig",
        "n": part(n.big_endian_without_leading_zero()), "e": part(e.big_endian_without_leading_zero()),
    }));
    // jsonwebtoken wants PKCS#1, which sits at the end of the PKCS#8 wrapping.
    let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let rsa = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);

    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
    let point = pair.public_key().as_ref();
    issuer.publish_raw(json!({
        "kty": "EC", "crv": "P-256", "kid": "p256", "x": part(&point[1..33]), "y": part(&point[33..65]),
    }));
    let p256 = EncodingKey::from_ec_der(document.as_ref());

    let verifier = issuer.verifier();
    for (kid, algorithm, key) in [("rsa", Algorithm::RS256, &rsa), ("p256", Algorithm::ES256, &p256)] {
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.to_owned());
        let token = jsonwebtoken::encode(&header, &claims, key).unwrap();
        verifier.verify(&token).await.unwrap();
        // The same key asked for in another algorithm of its family, or another family.
        header.kid = Some(issuer.key.kid().to_owned());
        let crossed = jsonwebtoken::encode(&header, &claims, key).unwrap();
        assert_eq!(verifier.verify(&crossed).await, Err(IdentityError::Algorithm));
    }
}
