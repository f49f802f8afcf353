//! A chart of bars, which a table beside it says in numbers.

use askama::Template;

/// How high the highest bar is, and how wide each is with its gap, in units of the picture's own.
const HEIGHT: u64 = 100;
const STEP: u64 = 12;
const WIDTH: u64 = 10;

/// A part of a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    x: u64,
    y: u64,
    width: u64,
    height: u64,
    class: &'static str,
}

/// The picture.
#[derive(Debug, Template)]
#[template(path = "overview/chart.html")]
pub(super) struct Chart {
    /// Of its title; another for each chart of a page.
    id: String,
    title: String,
    width: u64,
    height: u64,
    bars: Vec<Bar>,
}

impl Chart {
    /// Of bars in two parts, the second on top of the first, in their order from left to right; the highest is as high as the
    /// picture.
    pub(super) fn new(id: String, title: String, columns: &[[u64; 2]]) -> Self {
        let highest = columns.iter().map(|parts| total(*parts)).max().unwrap_or(0).max(1);
        // What is there is seen, however little it is.
        let scaled = |value: u128| {
            let height = value.saturating_mul(u128::from(HEIGHT)).div_ceil(highest);
            u64::try_from(height).unwrap_or(HEIGHT)
        };
        let mut bars = Vec::new();
        for (number, column) in (0_u64..).zip(columns) {
            let [lower, _] = *column;
            let (all, lower) = (scaled(total(*column)), scaled(u128::from(lower)));
            let x = number.saturating_mul(STEP).saturating_add((STEP - WIDTH) / 2);
            let parts = [("lower", lower, lower), ("upper", all.saturating_sub(lower), all)];
            let seen = parts.into_iter().filter(|(_, height, _)| *height > 0);
            bars.extend(seen.map(|(class, height, top)| Bar {
                x,
                y: HEIGHT.saturating_sub(top),
                width: WIDTH,
                height,
                class,
            }));
        }
        let width = u64::try_from(columns.len()).unwrap_or(0).saturating_mul(STEP).max(STEP);
        Self { id, title, width, height: HEIGHT, bars }
    }
}

fn total([lower, upper]: [u64; 2]) -> u128 {
    u128::from(lower).saturating_add(u128::from(upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heights(columns: &[[u64; 2]]) -> Vec<(u64, u64, u64)> {
        let chart = Chart::new("c".to_owned(), "Payments".to_owned(), columns);
        chart.bars.iter().map(|bar| (bar.x, bar.y, bar.height)).collect()
    }

    #[test]
    fn bars_fit_and_the_least_is_seen() {
        assert!(heights(&[]).is_empty() && heights(&[[0, 0], [0, 0]]).is_empty());
        assert_eq!(heights(&[[1, 1], [0, 0], [4, 0]]), [(1, 75, 25), (1, 50, 25), (25, 0, 100)]);
        assert_eq!(heights(&[[1, 0], [u64::MAX, u64::MAX]]), [(1, 99, 1), (13, 50, 50), (13, 0, 50)]);
    }

    #[test]
    fn a_chart_has_a_name_that_nothing_breaks_out_of() {
        let chart = Chart::new("chart-GBP".to_owned(), "a < b".to_owned(), &[[1, 0]]).to_string();
        assert!(chart.contains("role=\"img\"") && chart.contains("aria-labelledby=\"chart-GBP\""), "{chart}");
        assert!(chart.contains("<title id=\"chart-GBP\">a &#60; b</title>"), "{chart}");
    }
}
