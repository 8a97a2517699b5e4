//! Dates of the baseline, as `YYYY-MM-DD`: such texts compare as dates do.

/// Is it a date of the calendar?
#[must_use]
pub fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let digits = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
    if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse::<i64>(), month.parse::<i64>(), day.parse::<i64>()) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// The date (UTC) of a number of seconds since 1970, by the algorithm `civil_from_days` of Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms" (<https://howardhinnant.github.io/date_algorithms.html>).
#[must_use]
pub fn of_seconds(seconds: u64) -> String {
    let days = i64::try_from(seconds / 86_400).unwrap_or(i64::MAX / 2) + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_checked_and_seconds_become_dates() {
        for bad in ["2026-02-29", "2026-13-01", "2026-1-1", "soon", "2026-00-10", "+026-01-01", "2026-01-01-01"] {
            assert!(!is_date(bad), "{bad}");
        }
        assert!(is_date("2024-02-29") && is_date("2026-12-31"));
        assert_eq!(of_seconds(0), "1970-01-01");
        assert_eq!(of_seconds(951_782_400), "2000-02-29");
        assert_eq!(of_seconds(1_798_761_599), "2026-12-31");
    }
}
