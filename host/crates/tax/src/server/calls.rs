//! The methods of the server, as logs, metrics and limits know them.

use galleria_ports::access::Scope;

/// The path of the service, with slashes.
const SERVICE: &str = "/galleria.tax.v1.Tax/";

/// A called method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    /// A method of the tax service: it needs a caller with this scope.
    Tax {
        name: &'static str,
        scope: Scope,
        /// Whether it reads a table of any size from the client.
        is_import: bool,
    },
    /// A health check or reflection: public, and not logged if it succeeds.
    Probe(&'static str),
    /// A path that is no method.
    Unknown,
}

impl Called {
    pub fn of(path: &str) -> Self {
        let tax = |name, scope, is_import| Self::Tax {
            name,
            scope,
            is_import,
        };
        match path.strip_prefix(SERVICE) {
            Some("EvaluateTax") => tax("EvaluateTax", Scope::Till, false),
            Some("GetStoreTaxTable") => tax("GetStoreTaxTable", Scope::Till, false),
            Some("ImportStoreTaxCodeData") => tax("ImportStoreTaxCodeData", Scope::Operator, true),
            Some("StreamStoreTaxCodeData") => tax("StreamStoreTaxCodeData", Scope::Operator, true),
            Some("DeleteStoreTaxTable") => tax("DeleteStoreTaxTable", Scope::Operator, false),
            Some(_) => Self::Unknown,
            None if path.starts_with("/grpc.health.v1.Health/") => Self::Probe("Health"),
            None if path.starts_with("/grpc.reflection.") => Self::Probe("Reflection"),
            None => Self::Unknown,
        }
    }

    /// The name in logs and metrics: callers could invent any number of others.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tax { name, .. } | Self::Probe(name) => name,
            Self::Unknown => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::FILE_DESCRIPTOR_SET;
    use prost::Message as _;

    #[test]
    fn every_method_of_the_file_has_a_scope() {
        let files = prost_types::FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("files");
        let services = files.file.iter().flat_map(|file| &file.service);
        let methods = services.flat_map(|service| &service.method);
        let names: Vec<String> = methods.map(|method| method.name().to_owned()).collect();
        assert_eq!(names.len(), 5);
        for name in names {
            assert_eq!(Called::of(&format!("{SERVICE}{name}")).name(), name);
        }
        assert_eq!(Called::of("/galleria.tax.v1.Tax/Other"), Called::Unknown);
    }
}
