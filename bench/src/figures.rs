//! Medians, percentiles, ratios, and the tables they are shown in.

use std::fmt::Write;

/// Measurements of one thing, in one unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.0
    }

    /// The middle one; between the two middle ones if they are even in number. None of none.
    pub(crate) fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        let (low, high) = (sorted.get((sorted.len().checked_sub(1)?) / 2)?, sorted.get(sorted.len() / 2)?);
        Some(f64::midpoint(*low, *high))
    }

    /// The smallest that at least 99 of 100 are not above (nearest rank). None of none.
    pub(crate) fn p99(&self) -> Option<f64> {
        let sorted = self.sorted();
        sorted.get((sorted.len() * 99).div_ceil(100).checked_sub(1)?).copied()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

/// Lines of cells as an aligned Markdown table; the first line is its head.
pub(crate) fn table(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0).max(1)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut table = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (column, width) in widths.iter().enumerate() {
            let cell = line.get(column).map_or("", String::as_str);
            // Writing to a string can't fail.
            let _ = write!(table, "| {cell:width$} ");
        }
        table.push_str("|\n");
        if number == 0 {
            for width in &widths {
                let _ = write!(table, "|{}", "-".repeat(width + 2));
            }
            table.push_str("|\n");
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: impl IntoIterator<Item = u32>) -> Samples {
        Samples(values.into_iter().map(f64::from).collect())
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(samples([]).median(), None);
        assert_eq!(samples([3]).median(), Some(3.0));
        assert_eq!(samples([4, 1]).median(), Some(2.5));
        assert_eq!(samples([9, 1, 2]).median(), Some(2.0));
    }

    #[test]
    fn p99_leaves_one_of_a_hundred_above() {
        assert_eq!(samples([]).p99(), None);
        assert_eq!(samples([7]).p99(), Some(7.0));
        assert_eq!(samples((1..=30).rev()).p99(), Some(30.0));
        assert_eq!(samples(1..=100).p99(), Some(99.0));
        assert_eq!(samples(1..=2000).p99(), Some(1980.0));
    }

    #[test]
    fn tables_are_aligned() {
        let cells = |line: &[&str]| line.iter().map(|cell| (*cell).to_owned()).collect();
        let lines = [cells(&["figure", "≤"]), cells(&["µs", "0.20 ×", ""]), cells(&["a"])];
        let expected = "\
| figure | ≤      |   |
|--------|--------|---|
| µs     | 0.20 × |   |
| a      |        |   |
";
        assert_eq!(table(&lines), expected);
    }
}
