//! What a process is there for: some of the host's work, or all of it.

use galleria_app::handling::Group;
use std::str::FromStr;

/// A part of the host's work, as `--role` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The HTTP face.
    Api,
    /// Events of one group; of all where none is named.
    Consumer(Option<String>),
    /// The log's events to the broker.
    Relay,
    /// Documents to their directories; statements picked up from theirs, and kept matched.
    Deliver,
    /// Schedules planned and runs done; what was left by crashes is swept.
    Schedule,
}

const NAMES: &str = "api, consumer, consumer:<group>, relay, deliver or schedule";

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
            _ => Err(format!("one of {NAMES}")),
        }
    }
}

impl Role {
    /// As `--role` names it.
    fn name(&self) -> String {
        match self {
            Self::Api => "api".into(),
            Self::Consumer(None) => "consumer".into(),
            Self::Consumer(Some(group)) => format!("consumer:{group}"),
            Self::Relay => "relay".into(),
            Self::Deliver => "deliver".into(),
            Self::Schedule => "schedule".into(),
        }
    }
}

/// The roles of this process.
#[derive(Debug, PartialEq, Eq)]
pub struct Roles {
    /// It serves the HTTP face.
    pub api: bool,
    /// The groups it consumes.
    pub groups: Vec<Group>,
    /// It relays.
    pub relay: bool,
    /// It delivers.
    pub deliver: bool,
    /// It keeps schedules and does runs.
    pub schedule: bool,
    /// As they were named.
    pub names: Vec<String>,
}

impl Roles {
    /// What was asked for; everything where nothing was. A group that is none is told, and a relay to a
    /// broker that is not set.
    pub fn of(asked: &[Role], groups: Vec<Group>, broker: bool) -> anyhow::Result<Self> {
        let mut everything = vec![Role::Api, Role::Consumer(None)];
        everything.extend(broker.then_some(Role::Relay));
        everything.extend([Role::Deliver, Role::Schedule]);
        anyhow::ensure!(
            broker || !asked.contains(&Role::Relay),
            "--role relay: there is no broker to relay to; set kafka.bootstrap"
        );
        let asked = if asked.is_empty() { &everything } else { asked };
        for role in asked {
            if let Role::Consumer(Some(name)) = role {
                let known: Vec<&str> = groups.iter().map(|group| &*group.name).collect();
                anyhow::ensure!(
                    known.contains(&&**name),
                    "--role consumer:{name}: there is no such group; there are {}",
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
            asked.iter().any(named)
        };
        let mut names = Vec::new();
        for name in asked.iter().map(Role::name) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(Self {
            api: asked.contains(&Role::Api),
            groups: groups.into_iter().filter(consumes).collect(),
            relay: asked.contains(&Role::Relay),
            deliver: asked.contains(&Role::Deliver),
            schedule: asked.contains(&Role::Schedule),
            names,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: &[&str]) -> anyhow::Result<Roles> {
        with(asked, true)
    }

    fn with(asked: &[&str], broker: bool) -> anyhow::Result<Roles> {
        let group = |name: &str| Group {
            name: name.into(),
            tries: Vec::new(),
        };
        let asked: Vec<Role> = asked
            .iter()
            .map(|text| text.parse().expect("a role"))
            .collect();
        Roles::of(&asked, vec![group("A"), group("B")], broker)
    }

    fn groups(roles: &Roles) -> Vec<&str> {
        roles.groups.iter().map(|group| &*group.name).collect()
    }

    #[test]
    fn a_process_has_all_roles_or_those_that_are_named() {
        let all = of(&[]).expect("all");
        assert!(all.api && all.relay && all.deliver && all.schedule);
        assert_eq!(groups(&all), ["A", "B"]);
        assert_eq!(
            all.names,
            ["api", "consumer", "relay", "deliver", "schedule"]
        );
        let alone = with(&[], false).expect("all but one");
        assert!(!alone.relay && alone.names.len() == 4);
        let some = of(&["deliver", "consumer:B", "deliver"]).expect("two");
        assert!(!some.api && some.deliver && !some.schedule);
        assert_eq!(groups(&some), ["B"]);
        assert_eq!(some.names, ["deliver", "consumer:B"]);
        assert_eq!(groups(&of(&["api"]).expect("one")), [""; 0]);
    }

    #[test]
    fn what_is_no_role_is_told_with_those_there_are() {
        for bad in ["", "apis", "consumer:", "api:A"] {
            assert!(bad.parse::<Role>().expect_err(bad).contains(NAMES));
        }
        let error = of(&["consumer:C"]).expect_err("no group").to_string();
        assert!(error.contains("there are A, B"), "{error}");
        let error = with(&["relay"], false).expect_err("no broker").to_string();
        assert!(error.contains("kafka.bootstrap"), "{error}");
    }
}
