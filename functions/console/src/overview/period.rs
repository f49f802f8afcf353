//! Which time the overview shows.

use crate::texts::OverviewTexts;

/// The time up to now that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Day,
    Week,
    Month,
    Quarter,
}

/// What is said of bars that each stand for an hour, or for a day.
pub(super) struct StepTexts {
    pub(super) about: &'static str,
    /// The heading of their column.
    pub(super) column: &'static str,
    pub(super) payments: &'static str,
    pub(super) payments_chart: &'static str,
    pub(super) payments_table: &'static str,
    pub(super) volume: &'static str,
    pub(super) volume_chart: &'static str,
    pub(super) volume_table: &'static str,
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
    pub(super) const fn label(self, t: &OverviewTexts) -> &'static str {
        match self {
            Self::Day => t.period_day,
            Self::Week => t.period_week,
            Self::Month => t.period_month,
            Self::Quarter => t.period_quarter,
        }
    }

    /// What is said of its bars.
    pub(super) const fn step(self, t: &OverviewTexts) -> StepTexts {
        match self {
            Self::Day => StepTexts {
                about: t.about_hours,
                column: t.hour,
                payments: t.payments_by_hour,
                payments_chart: t.payments_chart_by_hour,
                payments_table: t.payments_table_by_hour,
                volume: t.volume_by_hour,
                volume_chart: t.volume_chart_by_hour,
                volume_table: t.volume_table_by_hour,
            },
            Self::Week | Self::Month | Self::Quarter => StepTexts {
                about: t.about_days,
                column: t.day,
                payments: t.payments_by_day,
                payments_chart: t.payments_chart_by_day,
                payments_table: t.payments_table_by_day,
                volume: t.volume_by_day,
                volume_chart: t.volume_chart_by_day,
                volume_table: t.volume_table_by_day,
            },
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
