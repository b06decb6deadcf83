//! Times as they stand in files (RFC 3339, UTC, milliseconds), the door of `jiff`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, in milliseconds since 1970, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub i64);

impl Moment {
    /// The present, by the machine's clock.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// A moment given in seconds since 1970, as TensorBoard's `wall_time`.
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1000.0) as i64)
    }

    /// Seconds since 1970.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// How long ago `earlier` was; zero where it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// `2026-11-24T22:30:00.125Z`.
    pub fn to_rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => format!("{timestamp:.3}"),
            Err(_) => String::from("1970-01-01T00:00:00.000Z"),
        }
    }

    /// Reads an RFC 3339 time; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|timestamp| Self(timestamp.as_millisecond()))
    }

    /// This moment in UTC by a pattern of C's `strftime`; `None` where the pattern is none.
    pub fn format(self, pattern: &str) -> Option<String> {
        let timestamp = jiff::Timestamp::from_millisecond(self.0).ok()?;
        jiff::fmt::strtime::format(pattern, timestamp).ok()
    }

    /// This moment in the machine's time zone by a pattern of C's `strftime`; `None` where the pattern is none.
    pub fn format_local(self, pattern: &str) -> Option<String> {
        let zoned =
            jiff::Timestamp::from_millisecond(self.0).ok()?.to_zoned_datetime(jiff::tz::TimeZone::system());
        jiff::fmt::strtime::format(pattern, &zoned).ok()
    }

    /// `2026-11-24 22:30` in UTC, for people.
    pub fn to_minute(self) -> String {
        let text = self.to_rfc3339();
        text.get(..16).unwrap_or(&text).replace('T', " ")
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("'{text}' is no RFC 3339 time")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_its_text() {
        let moment = Moment(1_795_559_400_125);
        assert_eq!(Moment::parse(&moment.to_rfc3339()), Some(moment));
        assert_eq!(moment.to_rfc3339(), "2026-11-24T22:30:00.125Z");
        assert_eq!(moment.to_minute(), "2026-11-24 22:30");
        assert_eq!(moment.format("%d %b %Y").as_deref(), Some("24 Nov 2026"));
        assert_eq!(moment.format("%"), None);
    }
}
