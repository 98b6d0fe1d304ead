//! Digests that a client announced, taken of what arrives.

use content_inspect::Verifier;
use problem::Problem;
use service_error::ServiceError;
use upload_protocol::{Algorithm, Checksum};

use crate::problems;

/// What takes these digests.
pub(super) fn verifiers(announced: &[Checksum]) -> Vec<Verifier> {
    announced.iter().map(|checksum| Verifier::new(algorithm(checksum.algorithm()))).collect()
}

/// Holds what was taken against what was announced.
pub(super) fn verify(taken: Vec<Verifier>, announced: &[Checksum]) -> Result<(), ServiceError> {
    let agree = taken.into_iter().zip(announced).all(|(taken, said)| taken.verify(said.digest()).is_ok());
    if agree { Ok(()) } else { Err(Problem::new(&problems::DIGEST_MISMATCH).into()) }
}

fn algorithm(named: Algorithm) -> content_inspect::Algorithm {
    match named {
        Algorithm::Sha1 => content_inspect::Algorithm::Sha1,
        Algorithm::Sha256 => content_inspect::Algorithm::Sha256,
        Algorithm::Sha512 => content_inspect::Algorithm::Sha512,
    }
}
