//! Wake-ups between the tasks of this process.

use tokio::sync::watch;

/// Wakes the tasks that wait for new work. A notification is not lost while its subscriber is busy.
#[derive(Clone, Debug)]
pub struct Notifier(watch::Sender<()>);

impl Default for Notifier {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Notifier {
    /// Wakes all subscribers.
    pub fn notify(&self) {
        self.0.send_replace(());
    }

    /// Subscribes to notifications sent from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.0.subscribe())
    }
}

/// Receives the notifications of one [`Notifier`]; several that were sent meanwhile count as one.
#[derive(Debug)]
pub struct Subscription(watch::Receiver<()>);

impl Subscription {
    /// Returns when a notification was sent since the last call.
    pub async fn notified(&mut self) {
        if self.0.changed().await.is_err() {
            // The notifier was dropped with the application: there are no more notifications.
            std::future::pending::<()>().await;
        }
    }
}
