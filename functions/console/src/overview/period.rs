//! Which time the overview shows.

/// The time up to now that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Day,
    Week,
    Month,
    Quarter,
}

impl Period {
    /// From the shortest to the longest.
    pub(super) const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// What an address asks for; none if that is nothing we know.
    pub(super) fn read(query: &str) -> Option<Self> {
        if query.is_empty() {
            return Some(Self::Week);
        }
        Self::ALL.into_iter().find(|period| period.query() == query)
    }

    /// How an address asks for it.
    pub(super) fn query(self) -> String {
        format!("days={}", self.days())
    }

    /// How many days it has.
    pub(super) const fn days(self) -> usize {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
        }
    }

    /// As its link says it.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
            Self::Quarter => "90 days",
        }
    }

    /// What one bar stands for.
    pub(super) const fn step(self) -> &'static str {
        match self {
            Self::Day => "hour",
            Self::Week | Self::Month | Self::Quarter => "day",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_asks_for_a_period_and_for_nothing_else() {
        for period in Period::ALL {
            assert_eq!(Period::read(&period.query()), Some(period));
        }
        assert_eq!(Period::read(""), Some(Period::Week));
        for query in ["days=", "days=8", "days=07", "days=7&days=7", "days=7&x=1", "x", "day=7", "days=-1"] {
            assert_eq!(Period::read(query), None, "{query}");
        }
    }
}
