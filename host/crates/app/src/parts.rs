//! Lists over many stores within a caller's reach: which parts to read, and how to merge them.

use galleria_ports::Error;
use galleria_ports::access::Reach;

/// A part of a list: of a retailer, of a store, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub retailer: Option<String>,
    pub store: Option<String>,
}

/// The parts of a list. The caller has checked that the named retailer and store are in reach.
pub(crate) fn parts(reach: &Reach, retailer: Option<String>, store: Option<String>) -> Vec<Part> {
    let Reach::Some { retailers, stores } = reach else {
        return vec![Part { retailer, store }];
    };
    let of_store = |id: &String| Part {
        retailer: retailer.clone(),
        store: Some(id.clone()),
    };
    let of_retailer = |name: &String| Part {
        retailer: Some(name.clone()),
        store: None,
    };
    match (&retailer, &store) {
        (_, Some(id)) => vec![of_store(id)],
        (Some(name), None) if retailers.contains(name) => vec![of_retailer(name)],
        (Some(_), None) => stores.iter().map(of_store).collect(),
        (None, None) => {
            let whole = retailers.iter().map(of_retailer);
            whole.chain(stores.iter().map(of_store)).collect()
        }
    }
}

/// The first rows of all parts, and whether there are more. Each part is sorted and has up to one
/// extra row.
pub(crate) fn together<R, K: Ord>(
    mut rows: Vec<R>,
    limit: u32,
    key: impl Fn(&R) -> K,
) -> (Vec<R>, bool) {
    rows.sort_by_key(&key);
    rows.dedup_by_key(|row| key(row));
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    (rows, more)
}

pub(crate) fn no_cursor() -> Error {
    Error::invalid("after", "must be the `next` of the previous page")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(retailers: &[&str], stores: &[&str]) -> Reach {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Reach::Some {
            retailers: names(retailers),
            stores: names(stores),
        }
    }

    #[test]
    fn a_list_is_put_together_of_what_is_in_reach() {
        let describe = |reach: &Reach, retailer: Option<&str>, store: Option<&str>| {
            let own = |text: Option<&str>| text.map(ToOwned::to_owned);
            let parts = parts(reach, own(retailer), own(store)).into_iter();
            let word = |text: Option<String>| text.unwrap_or_else(|| "-".into());
            let words = parts.map(|part| [word(part.retailer), word(part.store)].join("/"));
            words.collect::<Vec<_>>().join(" ")
        };
        let all = Reach::Everything;
        assert_eq!(describe(&all, None, None), "-/-");
        assert_eq!(describe(&all, Some("r"), Some("s")), "r/s");
        let some = bound(&["r", "q"], &["s", "t"]);
        assert_eq!(describe(&some, None, None), "q/- r/- -/s -/t");
        assert_eq!(describe(&some, Some("r"), None), "r/-");
        assert_eq!(describe(&some, Some("other"), None), "other/s other/t");
        assert_eq!(describe(&some, None, Some("s")), "-/s");
        assert_eq!(describe(&bound(&[], &[]), None, None), "");
    }

    #[test]
    fn parts_are_put_together_in_order_and_once() {
        assert_eq!(
            together(vec![3, 5, 1, 3], 2, |row| *row),
            (vec![1, 3], true)
        );
        assert_eq!(together(vec![2, 2], 2, |row| *row), (vec![2], false));
    }
}
