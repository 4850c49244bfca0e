//! The operations of a path in the OpenAPI document.

use utoipa::openapi::PathItem;
use utoipa::openapi::path::Operation;

/// Every operation with its HTTP method.
pub(crate) fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
        ("PATCH", &mut item.patch),
        ("OPTIONS", &mut item.options),
        ("HEAD", &mut item.head),
        ("TRACE", &mut item.trace),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
