//! Finds the lines that together have an amount.

/// Steps of one search. Lines of a tender are few; a search among many lines of different amounts ends without a
/// result instead of trying all sums.
const STEPS: u32 = 5_000;

/// Finds values whose sum differs from `wanted` by at most `tolerance`: all of them if they fit, otherwise a choice
/// that contains the earliest. Values and `wanted` are not zero.
pub(super) fn subset(values: &[u128], wanted: u128, tolerance: u128) -> Option<Vec<usize>> {
    // A larger value cannot be part of a sum. `rest` has the sum of the values from each index on.
    let usable: Vec<_> = (0..values.len())
        .filter(|index| values[*index] <= wanted + tolerance)
        .collect();
    let mut rest = vec![0; usable.len() + 1];
    for (place, index) in usable.iter().enumerate().rev() {
        rest[place] = rest[place + 1] + values[*index];
    }
    let mut search = Search {
        values: usable.iter().map(|index| values[*index]).collect(),
        rest,
        low: wanted.saturating_sub(tolerance),
        high: wanted + tolerance,
        chosen: Vec::new(),
        steps: 0,
    };
    let found = search.find();
    found.then(|| search.chosen.iter().map(|place| usable[*place]).collect())
}

struct Search {
    values: Vec<u128>,
    rest: Vec<u128>,
    low: u128,
    high: u128,
    chosen: Vec<usize>,
    steps: u32,
}

impl Search {
    /// Tries each value in turn, first with it and then without it. `chosen` is the stack: lines may be many.
    fn find(&mut self) -> bool {
        let (mut place, mut sum) = (0, 0);
        loop {
            self.steps += 1;
            if self.steps > STEPS {
                return false;
            }
            let all = sum + self.rest[place];
            if all > 0 && (self.low..=self.high).contains(&all) {
                self.chosen.extend(place..self.values.len());
                return true;
            }
            if sum > 0 && sum >= self.low {
                return true;
            }
            let possible = place < self.values.len() && all >= self.low;
            if possible && sum + self.values[place] <= self.high {
                sum += self.values[place];
                self.chosen.push(place);
                place += 1;
            } else if possible {
                place += 1;
            } else {
                let Some(last) = self.chosen.pop() else {
                    return false;
                };
                sum -= self.values[last];
                place = last + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::subset;

    #[test]
    fn all_values_or_the_earliest_choice_are_found() {
        assert_eq!(subset(&[60, 40], 100, 0), Some(vec![0, 1]));
        assert_eq!(subset(&[10, 60, 40], 100, 0), Some(vec![1, 2]));
        assert_eq!(subset(&[60, 40, 40], 100, 0), Some(vec![0, 1]));
        assert_eq!(subset(&[60, 39], 100, 1), Some(vec![0, 1]));
        assert_eq!(subset(&[60, 39], 100, 0), None);
        assert_eq!(subset(&[], 100, 0), None);
        assert_eq!(subset(&[101], 100, 0), None);
    }

    #[test]
    fn a_search_among_many_values_ends() {
        let values: Vec<u128> = (0..1_000).map(|n| 2 * n + 2).collect();
        assert_eq!(subset(&values, 100_001, 0), None);
        assert!(subset(&vec![1; 1_000], 700, 0).is_some());
    }
}
