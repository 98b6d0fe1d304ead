//! What a service may set about where its objects lie.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The least S3 takes for a part that is not the last.
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;
/// The most that is sensible: a part is held in memory while it is sent.
const MAX_PART_BYTES: u64 = 256 * 1024 * 1024;

/// Where objects lie. Sections of the backend that is not chosen are ignored.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StorageConfig {
    /// `local` (default: a folder, no credentials) or `s3`. Objects do not move when it is changed.
    pub backend: Backend,
    /// The folder.
    pub local: LocalConfig,
    /// The bucket.
    pub s3: S3Config,
}

/// The two kinds of storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A folder of this machine, or one that is mounted.
    #[default]
    Local,
    /// A bucket behind the S3 protocol.
    S3,
}

impl Backend {
    /// The name it has in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::S3 => "s3",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Settings of the local backend.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LocalConfig {
    /// The folder, made when missing; default `blobs`. Everything below must be one file system, since files are renamed
    /// within it.
    pub root: PathBuf,
    /// After how many bytes of an upload the disk is told to begin writing; default 1 MiB, 0 is never. Never makes the last
    /// `sync` wait for all of the upload; far less than a MiB makes the disk write many small pieces.
    pub write_back_bytes: u64,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self { root: PathBuf::from("blobs"), write_back_bytes: 1024 * 1024 }
    }
}

/// Settings of the S3 backend.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3Config {
    /// The server's URL; left out, Amazon's of the region.
    pub endpoint: Option<String>,
    /// The region requests are signed for; default `us-east-1`. A wrong one makes the server refuse every request.
    pub region: String,
    /// The bucket. It must exist, and should have a lifecycle rule that ends multipart uploads older than a day.
    pub bucket: String,
    /// Who signs requests.
    pub access_key_id: SecretString,
    /// What requests are signed with.
    pub secret_access_key: SecretString,
    /// Whether the endpoint may be plain `http`; default no. Then everybody on the way can read the objects.
    pub allow_http: bool,
    /// How large the parts of an upload are, in bytes; default 8 MiB, at least 5 MiB. An upload has at most 10 000 parts, so
    /// this bounds it (8 MiB: 78 GiB); what is not a whole part is durable only after `close`.
    pub part_bytes: u64,
    /// The folder on disk in which a part is gathered before it is sent; default `spool`. It needs `part_bytes` for every
    /// upload that runs. Memory (a tmpfs) defeats the purpose.
    pub spool: PathBuf,
    /// How many parts may be in memory at once, in the whole process; default 4. Fewer make uploads wait for each other,
    /// each costs `part_bytes`.
    pub parts_in_memory: usize,
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: "us-east-1".to_owned(),
            bucket: String::new(),
            access_key_id: SecretString::default(),
            secret_access_key: SecretString::default(),
            allow_http: false,
            part_bytes: 8 * 1024 * 1024,
            spool: PathBuf::from("spool"),
            parts_in_memory: 4,
        }
    }
}

impl StorageConfig {
    /// Everything wrong with the settings of the chosen backend, one sentence each, without secrets.
    pub fn faults(&self) -> Vec<String> {
        match self.backend {
            Backend::Local if self.local.root.as_os_str().is_empty() => {
                vec!["local.root is missing".to_owned()]
            }
            Backend::Local => Vec::new(),
            Backend::S3 => self.s3.faults(),
        }
    }
}

impl S3Config {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, missing) in [
            ("region", self.region.is_empty()),
            ("bucket", self.bucket.is_empty()),
            ("access_key_id", self.access_key_id.expose_secret().is_empty()),
            ("secret_access_key", self.secret_access_key.expose_secret().is_empty()),
            ("spool", self.spool.as_os_str().is_empty()),
        ] {
            if missing {
                faults.push(format!("s3.{name} is missing"));
            }
        }
        match self.endpoint.as_deref() {
            Some(url) if url.starts_with("http://") && !self.allow_http => {
                faults.push("s3.endpoint is plain http, which s3.allow_http does not allow".to_owned());
            }
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                faults.push("s3.endpoint is no http or https URL".to_owned());
            }
            _ => {}
        }
        if !(MIN_PART_BYTES..=MAX_PART_BYTES).contains(&self.part_bytes) {
            faults.push(format!("s3.part_bytes must be between {MIN_PART_BYTES} and {MAX_PART_BYTES}"));
        }
        if self.parts_in_memory == 0 {
            faults.push("s3.parts_in_memory must be at least 1".to_owned());
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_to_be_set_for_a_local_store() {
        let config: StorageConfig = serde_json::from_str("{}").unwrap();
        assert_eq!((config.backend, config.faults()), (Backend::Local, Vec::new()));
    }

    #[test]
    fn every_fault_is_reported_at_once_and_without_secrets() {
        let text = r#"{"backend":"s3","s3":{"endpoint":"http://h","secret_access_key":"hunter2","part_bytes":1,
            "parts_in_memory":0}}"#;
        let config: StorageConfig = serde_json::from_str(text).unwrap();
        assert_eq!(
            config.faults(),
            [
                "s3.bucket is missing",
                "s3.access_key_id is missing",
                "s3.endpoint is plain http, which s3.allow_http does not allow",
                "s3.part_bytes must be between 5242880 and 268435456",
                "s3.parts_in_memory must be at least 1",
            ]
        );
        assert!(!format!("{config:?} {:?}", config.faults()).contains("hunter2"));
    }

    #[test]
    fn a_key_that_does_not_exist_is_refused() {
        assert!(serde_json::from_str::<StorageConfig>(r#"{"local":{"rot":"x"}}"#).is_err());
    }
}
