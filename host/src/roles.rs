//! The roles of a process: some of the host's work, or all of it.

use galleria_app::events::Group;
use std::str::FromStr;

/// A part of the host's work, as `--role` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The HTTP API.
    Api,
    /// Consumes the events of one group, or of all.
    Consumer(Option<String>),
    /// Publishes the log to the broker.
    Relay,
    /// Delivers documents to their directories; picks up statements and matches them.
    Deliver,
    /// Plans schedules, executes runs, removes the remains of crashed imports and old records of taxes, and keeps the
    /// totals of the status.
    Schedule,
    /// Serves taxes on the listeners of `tax.server`.
    Tax,
}

const NAMES: &str = "api, consumer, consumer:<group>, relay, deliver, schedule or tax";

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("consumer", group)) if !group.is_empty() => {
                Ok(Self::Consumer(Some(group.to_owned())))
            }
            None if text == "api" => Ok(Self::Api),
            None if text == "consumer" => Ok(Self::Consumer(None)),
            None if text == "relay" => Ok(Self::Relay),
            None if text == "deliver" => Ok(Self::Deliver),
            None if text == "schedule" => Ok(Self::Schedule),
            None if text == "tax" => Ok(Self::Tax),
            _ => Err(format!("must be one of {NAMES}")),
        }
    }
}

impl Role {
    /// The name for `--role`.
    fn name(&self) -> String {
        match self {
            Self::Api => "api".into(),
            Self::Consumer(None) => "consumer".into(),
            Self::Consumer(Some(group)) => format!("consumer:{group}"),
            Self::Relay => "relay".into(),
            Self::Deliver => "deliver".into(),
            Self::Schedule => "schedule".into(),
            Self::Tax => "tax".into(),
        }
    }
}

/// The roles of this process.
#[derive(Debug, PartialEq, Eq)]
pub struct Roles {
    /// Whether it serves the HTTP API.
    pub api: bool,
    /// The groups that it consumes.
    pub groups: Vec<Group>,
    /// Whether it relays.
    pub relay: bool,
    /// Whether it delivers.
    pub deliver: bool,
    /// Whether it plans schedules and executes runs.
    pub schedule: bool,
    /// Whether it serves taxes.
    pub tax: bool,
    /// The names for `--role`.
    pub names: Vec<String>,
}

impl Roles {
    /// Returns the requested roles, or all that are configured. Rejects an unknown group, a relay without a broker, and
    /// a tax service without a listener.
    pub fn new(
        requested: &[Role],
        groups: Vec<Group>,
        broker: bool,
        tax: bool,
    ) -> anyhow::Result<Self> {
        let mut everything = vec![Role::Api, Role::Consumer(None)];
        everything.extend(broker.then_some(Role::Relay));
        everything.extend([Role::Deliver, Role::Schedule]);
        everything.extend(tax.then_some(Role::Tax));
        anyhow::ensure!(
            broker || !requested.contains(&Role::Relay),
            "--role relay: requires a broker and topics; set kafka.bootstrap and kafka.topics"
        );
        anyhow::ensure!(
            tax || !requested.contains(&Role::Tax),
            "--role tax: requires a listener; set tax.server.grpc_listen or tax.server.http_listen"
        );
        let requested = if requested.is_empty() {
            &everything
        } else {
            requested
        };
        for role in requested {
            if let Role::Consumer(Some(name)) = role {
                let known: Vec<&str> = groups.iter().map(|group| &*group.name).collect();
                anyhow::ensure!(
                    known.contains(&&**name),
                    "--role consumer:{name}: unknown group; must be one of {}",
                    known.join(", ")
                );
            }
        }
        let consumes = |group: &Group| {
            let named = |role: &Role| match role {
                Role::Consumer(None) => true,
                Role::Consumer(Some(name)) => *name == group.name,
                _ => false,
            };
            requested.iter().any(named)
        };
        let mut names = Vec::new();
        for name in requested.iter().map(Role::name) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(Self {
            api: requested.contains(&Role::Api),
            groups: groups.into_iter().filter(consumes).collect(),
            relay: requested.contains(&Role::Relay),
            deliver: requested.contains(&Role::Deliver),
            schedule: requested.contains(&Role::Schedule),
            tax: requested.contains(&Role::Tax),
            names,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(requested: &[&str]) -> anyhow::Result<Roles> {
        with(requested, true, false)
    }

    fn with(requested: &[&str], broker: bool, tax: bool) -> anyhow::Result<Roles> {
        let group = |name: &str| Group {
            name: name.into(),
            tries: Vec::new(),
        };
        let requested: Vec<Role> = requested
            .iter()
            .map(|text| text.parse().expect("a role"))
            .collect();
        Roles::new(&requested, vec![group("A"), group("B")], broker, tax)
    }

    fn groups(roles: &Roles) -> Vec<&str> {
        roles.groups.iter().map(|group| &*group.name).collect()
    }

    #[test]
    fn a_process_has_all_roles_or_the_requested_ones() {
        let all = of(&[]).expect("all");
        assert!(all.api && all.relay && all.deliver && all.schedule);
        assert_eq!(groups(&all), ["A", "B"]);
        assert_eq!(
            all.names,
            ["api", "consumer", "relay", "deliver", "schedule"]
        );
        let alone = with(&[], false, false).expect("all but one");
        assert!(!alone.relay && alone.names.len() == 4);
        let some = of(&["deliver", "consumer:B", "deliver"]).expect("two");
        assert!(!some.api && some.deliver && !some.schedule);
        assert_eq!(groups(&some), ["B"]);
        assert_eq!(some.names, ["deliver", "consumer:B"]);
        assert_eq!(groups(&of(&["api"]).expect("one")), [""; 0]);
        let listening = with(&[], false, true).expect("all");
        assert!(listening.tax && !all.tax);
        assert_eq!(listening.names.last().map(String::as_str), Some("tax"));
        assert!(with(&["tax"], false, true).expect("one").tax);
    }

    #[test]
    fn an_unknown_role_is_rejected_with_the_known_ones() {
        for bad in ["", "apis", "consumer:", "api:A"] {
            assert!(bad.parse::<Role>().expect_err(bad).contains(NAMES));
        }
        let error = of(&["consumer:C"]).expect_err("no group").to_string();
        assert!(error.contains("one of A, B"), "{error}");
        let error = with(&["relay"], false, false)
            .expect_err("no broker")
            .to_string();
        assert!(error.contains("kafka.bootstrap"), "{error}");
        let error = of(&["tax"]).expect_err("no listener").to_string();
        assert!(error.contains("tax.server.grpc_listen"), "{error}");
    }
}
