//! The queue of evaluations in the background.

use super::shadow_queue::{Entry, Place, Queued, ShadowQueue};
use TaxRoute::{Grpc, Http};
use galleria_domain::tax::TaxRoute;
use std::sync::Arc;

/// A number, its store, its route and its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Basket(u32, &'static str, TaxRoute, u64);

impl Queued for Basket {
    fn lane(&self) -> TaxRoute {
        self.2
    }

    fn store(&self) -> &str {
        self.1
    }

    fn items(&self) -> u64 {
        self.3
    }
}

fn queue(most_items: u32, at_once: usize) -> Arc<ShadowQueue<Basket>> {
    let queue = Arc::new(ShadowQueue::new(most_items, at_once));
    assert_eq!(queue.add(Basket(0, "a", Http, 1)), Entry::Unused);
    assert!(queue.open() && !queue.open());
    queue
}

/// The numbers of the baskets that a new basket drops; its own if it does not fit.
fn dropped(queue: &ShadowQueue<Basket>, basket: Basket) -> Vec<u32> {
    match queue.add(basket) {
        Entry::Added { dropped } => dropped.iter().map(|basket| basket.0).collect(),
        Entry::Dropped(basket) => vec![basket.0],
        Entry::Unused => panic!("the queue is open"),
    }
}

#[test]
fn a_store_within_its_part_displaces_the_newest_of_the_largest() {
    let queue = queue(12, 1);
    for number in 1..=6 {
        assert_eq!(dropped(&queue, Basket(number, "a", Http, 2)), [0_u32; 0]);
    }
    // The queue is full: the store that filled it loses its own baskets.
    assert_eq!(dropped(&queue, Basket(7, "a", Http, 2)), [7]);
    assert_eq!(dropped(&queue, Basket(8, "b", Http, 2)), [6]);
    assert_eq!(dropped(&queue, Basket(9, "b", Http, 4)), [5, 4]);
    // Both have half of the queue now.
    assert_eq!(dropped(&queue, Basket(10, "b", Http, 1)), [10]);
    assert_eq!(dropped(&queue, Basket(11, "a", Http, 1)), [11]);
    // A third of it.
    assert_eq!(dropped(&queue, Basket(12, "c", Http, 3)), [9]);
    assert_eq!(dropped(&queue, Basket(13, "c", Http, 13)), [13]);
    let waiting = queue.close();
    assert_eq!(waiting.iter().map(|basket| basket.3).sum::<u64>(), 11);
    assert_eq!(dropped(&queue, Basket(14, "c", Http, 1)), [14]);
}

#[test]
fn nothing_is_dropped_for_a_basket_that_does_not_fit_in_the_end() {
    let queue = queue(10, 4);
    assert_eq!(dropped(&queue, Basket(1, "a", Http, 6)), [0_u32; 0]);
    let running = queue.next().expect("a basket");
    assert_eq!(dropped(&queue, Basket(2, "a", Http, 4)), [0_u32; 0]);
    // Of the 10 items of `a`, 6 are being evaluated and 4 wait.
    assert_eq!(dropped(&queue, Basket(3, "b", Http, 5)), [3]);
    assert_eq!(dropped(&queue, Basket(4, "b", Http, 4)), [2]);
    drop(running);
    assert_eq!(dropped(&queue, Basket(5, "b", Http, 6)), [0_u32; 0]);
}

#[test]
fn each_route_has_its_own_room_and_its_own_evaluations() {
    let queue = queue(4, 2);
    for number in 1..=4 {
        assert_eq!(dropped(&queue, Basket(number, "a", Http, 1)), [0_u32; 0]);
        let other = Basket(number + 10, "b", Grpc, 1);
        assert_eq!(dropped(&queue, other), [0_u32; 0]);
    }
    // One store gets half of the evaluations of a lane.
    let running = [queue.next(), queue.next()].map(|next| next.expect("a basket"));
    let mut routes = running.each_ref().map(|(basket, _)| basket.2);
    routes.sort_unstable();
    assert_eq!(routes, [Grpc, Http]);
    assert!(queue.next().is_none());
    drop(running);
    assert!(queue.next().is_some());
}

#[test]
fn stores_take_turns_and_one_gets_at_most_half() {
    let queue = queue(100, 4);
    for number in 0..10 {
        dropped(&queue, Basket(number, "a", Http, 1));
    }
    let mut running = Vec::new();
    while let Some(next) = queue.next() {
        running.push(next);
    }
    assert_eq!(running.len(), 2, "half of the evaluations");
    for number in 10..13 {
        dropped(&queue, Basket(number, "b", Http, 1));
        dropped(&queue, Basket(number + 10, "c", Http, 1));
    }
    while let Some(next) = queue.next() {
        running.push(next);
    }
    let stores = |running: &[(Basket, Place<Basket>)]| {
        let stores = running.iter().map(|(basket, _)| basket.1);
        stores.collect::<String>()
    };
    let mut found: Vec<char> = stores(&running).chars().collect();
    found.sort_unstable();
    assert_eq!(found, ['a', 'a', 'b', 'c']);
    // When `a` has finished, all three wait with one evaluation or none: `a` had its last turn first.
    running.retain(|(basket, _)| basket.1 != "a");
    let next = [queue.next(), queue.next()].map(|next| next.expect("a basket"));
    assert_eq!(next[0].0, Basket(2, "a", Http, 1), "in order");
    assert!(queue.next().is_none());
}
