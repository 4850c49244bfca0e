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
    /// Documents to their directories; statements picked up from theirs, and kept matched.
    Deliver,
    /// Schedules planned and runs done; what was left by crashes is swept.
    Schedule,
}

const NAMES: &str = "api, consumer, consumer:<group>, deliver or schedule";

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("consumer", group)) if !group.is_empty() => {
                Ok(Self::Consumer(Some(group.to_owned())))
            }
            None if text == "api" => Ok(Self::Api),
            None if text == "consumer" => Ok(Self::Consumer(None)),
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
    /// It delivers.
    pub deliver: bool,
    /// It keeps schedules and does runs.
    pub schedule: bool,
    /// As they were named.
    pub names: Vec<String>,
}

impl Roles {
    /// What was asked for; everything where nothing was. A group that is none is told.
    pub fn of(asked: &[Role], groups: Vec<Group>) -> anyhow::Result<Self> {
        let everything = [
            Role::Api,
            Role::Consumer(None),
            Role::Deliver,
            Role::Schedule,
        ];
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
        let group = |name: &str| Group {
            name: name.into(),
            tries: Vec::new(),
        };
        let asked: Vec<Role> = asked
            .iter()
            .map(|text| text.parse().expect("a role"))
            .collect();
        Roles::of(&asked, vec![group("A"), group("B")])
    }

    fn groups(roles: &Roles) -> Vec<&str> {
        roles.groups.iter().map(|group| &*group.name).collect()
    }

    #[test]
    fn a_process_has_all_roles_or_those_that_are_named() {
        let all = of(&[]).expect("all");
        assert!(all.api && all.deliver && all.schedule);
        assert_eq!(groups(&all), ["A", "B"]);
        assert_eq!(all.names, ["api", "consumer", "deliver", "schedule"]);
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
    }
}
