//! Telling other tasks of this process that there is something to do.

use tokio::sync::watch;

/// Rung by whoever made work; heard by whoever does it, also when it rang while they were busy.
#[derive(Clone, Debug)]
pub struct Bell(watch::Sender<()>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Bell {
    /// There is something to do.
    pub fn ring(&self) {
        self.0.send_replace(());
    }

    /// An ear for this bell. It hears what rings from now on.
    pub fn listen(&self) -> Ear {
        Ear(self.0.subscribe())
    }
}

/// Hears one bell.
#[derive(Debug)]
pub struct Ear(watch::Receiver<()>);

impl Ear {
    /// Returns when it has rung since the last time; at once where it rang meanwhile.
    pub async fn heard(&mut self) {
        if self.0.changed().await.is_err() {
            // The bell is gone with the application: nobody will ring.
            std::future::pending::<()>().await;
        }
    }
}
