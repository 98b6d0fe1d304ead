//! What makes two requests the same request.

/// A digest of everything that decides what a request does: a key that comes back with another one was used twice for
/// different things. `path` is the one the client asked for, with its query; `content_type` is empty when there is none.
#[must_use]
pub fn fingerprint(method: &str, path: &str, content_type: &str, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("aldia idempotency 2026-11 request fingerprint");
    for part in [method.as_bytes(), path.as_bytes(), content_type.as_bytes(), body] {
        // The length first, so that no byte can move from one part to the next unnoticed.
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_request_counts_and_none_runs_into_the_next() {
        let requests = [
            fingerprint("POST", "/v1/animals", "application/json", b"{}"),
            fingerprint("PUT", "/v1/animals", "application/json", b"{}"),
            fingerprint("POST", "/v1/animal", "sapplication/json", b"{}"),
            fingerprint("POST", "/v1/animals", "application/json{", b"}"),
            fingerprint("POST", "/v1/animals", "", b"{}"),
        ];
        for (i, a) in requests.iter().enumerate() {
            assert!(requests.iter().enumerate().all(|(j, b)| (a == b) == (i == j)));
        }
    }
}
