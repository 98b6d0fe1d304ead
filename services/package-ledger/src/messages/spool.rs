//! Each message becomes a file, whole or not at all.

use std::io;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use serde_json::json;

use super::{NotTaken, Outgoing, Sender, Taken};

/// A directory of messages.
pub(super) struct Spool(PathBuf);

impl Spool {
    /// In this directory, which is made when it is needed.
    pub(super) fn new(directory: &str) -> Self {
        Self(Path::new(directory).to_owned())
    }

    async fn put(&self, message: &Outgoing) -> io::Result<()> {
        let Outgoing { id, channel, recipient, language, subject, body } = message;
        let text = serde_json::to_vec_pretty(&json!({
            "id": id, "channel": channel, "recipient": recipient, "language": language, "subject": subject, "text": body,
        }))?;
        tokio::fs::create_dir_all(&self.0).await?;
        // Under the name of its id: handed over twice, it is still one file.
        let (partial, whole) = (self.0.join(format!(".{id}.partial")), self.0.join(format!("{id}.json")));
        tokio::fs::write(&partial, text).await?;
        tokio::fs::rename(&partial, &whole).await
    }
}

impl Sender for Spool {
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, Result<Taken, NotTaken>> {
        Box::pin(async {
            match self.put(message).await {
                Ok(()) => Ok(Taken::default()),
                Err(error) => {
                    tracing::warn!(%error, "a message could not be spooled");
                    Err(NotTaken::now("spool_unwritable"))
                }
            }
        })
    }
}
