//! The operations of the OpenAPI document: their access, and requests with their examples.

use crate::host::{Answer, Host};
use galleria_ports::access::Scope;
use reqwest::Method;
use serde_json::Value;
use std::fmt;

/// An operation of the document with the access that it declares.
pub struct Operation<'d> {
    pub method: Method,
    pub path: &'d str,
    /// `None` if it is public.
    pub scope: Option<Scope>,
    /// The extension `x-galleria-resource`.
    pub resource: &'d str,
    description: &'d Value,
}

impl fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Every operation of the document.
pub fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, description) in item.as_object().expect("an item") {
            let security = description["security"].as_array().expect("security");
            let scope = security.first().map(|scheme| {
                let name = scheme["bearer"][0].as_str().expect("a scope");
                Scope::by_name(name).expect("a known scope")
            });
            all.push(Operation {
                method: method.to_uppercase().parse().expect("a method"),
                path,
                scope,
                resource: description["x-galleria-resource"].as_str().unwrap_or(""),
                description,
            });
        }
    }
    all
}

impl Operation<'_> {
    fn parameters(&self, place: &str) -> Vec<&Value> {
        let all = self.description["parameters"].as_array();
        let all = all.into_iter().flatten();
        all.filter(|one| one["in"] == place).collect()
    }

    fn has_query(&self, name: &str) -> bool {
        self.parameters("query")
            .iter()
            .any(|one| one["name"] == name)
    }

    /// The path with example ids, and a query with every required parameter and a place.
    fn target(&self) -> String {
        let mut target = self.path.to_owned();
        for parameter in self.parameters("path") {
            let name = parameter["name"].as_str().expect("a name");
            let example = parameter["example"].as_str().expect("an example");
            target = target.replace(&format!("{{{name}}}"), example);
        }
        let mut query = Vec::new();
        for parameter in self.parameters("query") {
            if parameter["required"] == true {
                let name = parameter["name"].as_str().expect("a name");
                let example = parameter["example"].as_str().expect("an example");
                query.push(format!("{name}={example}"));
            }
        }
        if self.has_query("store") {
            query.push("store=madrid-1".to_owned());
        } else if self.has_query("retailer")
            && !query.iter().any(|one| one.starts_with("retailer="))
        {
            query.push("retailer=example".to_owned());
        }
        match query.is_empty() {
            true => target,
            false => format!("{target}?{}", query.join("&")),
        }
    }

    /// Whether it lists everything in reach: it names no resource that could be out of reach.
    pub fn lists_what_is_in_reach(&self) -> bool {
        self.resource == "body"
            && self.method == Method::GET
            && self.parameters("path").is_empty()
            && !self.has_query("store")
            && !self.has_query("retailer")
    }

    /// Sends the example, with a new idempotency key.
    pub async fn send(&self, host: &Host, bearer: &str) -> Answer {
        let request = host
            .request(self.method.clone(), &self.target())
            .header("Idempotency-Key", uuid::Uuid::new_v4().to_string())
            .header("authorization", format!("Bearer {bearer}"));
        let content = &self.description["requestBody"]["content"];
        let request = if let Some(json) = content.get("application/json") {
            request.json(&json["example"])
        } else if let Some(csv) = content.get("text/csv") {
            let text = csv["example"].as_str().expect("text").to_owned();
            request.header("content-type", "text/csv").body(text)
        } else if let Some(file) = content.get("application/octet-stream") {
            request.body(file["example"].as_str().expect("text").to_owned())
        } else {
            request
        };
        host.send(request).await
    }
}
