//! Plugins that serve nothing, and a database in trouble.

use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::plugins::{Argument, Called, Loaded, Plugins, Stream, Streams, Usage};
use galleria_app::records::{Records, Work};
use galleria_domain::{CallFault, Context, Decision, HostFault, Member, Totals};

pub struct NoPlugins;

fn not_served<T>() -> Called<T> {
    Called {
        outcome: Err(CallFault::Host(HostFault::NotServed("nothing is".into()))),
        usage: Usage::default(),
    }
}

impl Plugins for NoPlugins {
    fn all(&self) -> &[Loaded] {
        &[]
    }

    fn react(&self, _: &Loaded, _: &Context, _: &Argument) -> Called<Decision> {
        not_served()
    }

    fn identify(&self, _: &Loaded, _: &Context, _: &str) -> Called<Option<Member>> {
        unreachable!("nobody is identified here")
    }

    fn run(&self, _: &Loaded, _: &Context, _: &Stream, _: Streams) -> Called<Totals> {
        not_served()
    }
}

/// A database in trouble.
pub enum Trouble {
    /// Every transaction fails like this.
    Fails(Error),
    /// None ever ends.
    Hangs,
    /// Every one panics.
    Panics,
    /// Every one fails as `NotFound` once it is let go.
    Waits(std::sync::Arc<tokio::sync::Notify>),
}

#[async_trait]
impl Records for Trouble {
    async fn write_work(&self, work: Work) -> Result<(), Error> {
        self.read_work(work).await
    }

    async fn read_work(&self, _: Work) -> Result<(), Error> {
        match self {
            Self::Fails(error) => Err(error.clone()),
            Self::Hangs => std::future::pending().await,
            Self::Panics => panic!("the tables are on fire"),
            Self::Waits(until) => {
                until.notified().await;
                Err(Error::NotFound {
                    what: "store",
                    id: "s".into(),
                })
            }
        }
    }
}
