//! Where ids, secrets and chances come from: the system, or a seed.

use std::ops::RangeBounds;
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use jiff::Timestamp;
use models::WriteId;
use uuid::{Builder, Uuid};

/// Makes random ids and bytes, and chooses.
#[derive(Debug, Clone, Default)]
pub enum Random {
    /// The system's randomness, which nobody can guess.
    #[default]
    System,
    /// The same for the same seed; for tests. Its clones go on from each other.
    Seeded(Arc<Mutex<Rng>>),
}

impl Random {
    /// Randomness that is the same for the same seed; for tests.
    #[expect(clippy::disallowed_methods, reason = "the one place that seeds a generator")]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(Rng::with_seed(seed))))
    }

    /// Bytes that nobody can guess.
    ///
    /// # Panics
    /// If the system has no random source, as the whole process could not be trusted then.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for random bytes")]
    #[expect(clippy::expect_used, reason = "without random numbers there is nothing safe to go on with")]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::System => aws_lc_rs::rand::fill(&mut bytes).expect("the system's random source works"),
            Self::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill(&mut bytes),
        }
        bytes
    }

    /// A random id.
    #[expect(clippy::disallowed_methods, reason = "the one place that makes random ids")]
    pub fn uuid_v4(&self) -> Uuid {
        match self {
            Self::System => Uuid::new_v4(),
            Self::Seeded(_) => Builder::from_random_bytes(self.bytes()).into_uuid(),
        }
    }

    /// A random id that begins with the time, to the millisecond, so that ids sort by it.
    pub fn uuid_v7(&self, at: Timestamp) -> Uuid {
        let ms = u64::try_from(at.as_millisecond()).unwrap_or_default();
        // The same six bits are fixed in both versions (RFC 9562, 5.4 and 5.7).
        let [_, _, _, _, _, _, random @ ..] = self.uuid_v4().into_bytes();
        Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
    }

    /// Marks a write.
    pub fn write_id(&self) -> WriteId {
        WriteId::from(self.uuid_v4())
    }

    /// From 0 to below 1.
    pub fn f64(&self) -> f64 {
        self.draw(Rng::f64)
    }

    /// A number of this range, which must not be empty.
    pub fn u32(&self, range: impl RangeBounds<u32>) -> u32 {
        self.draw(|rng| rng.u32(range))
    }

    /// Brings the items into a random order.
    pub fn shuffle<T>(&self, items: &mut [T]) {
        self.draw(|rng| rng.shuffle(items));
    }

    /// One of the items, if there are any.
    pub fn choice<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        self.draw(|rng| rng.choice(items))
    }

    /// What need not be unguessable.
    #[expect(clippy::disallowed_methods, reason = "the one place that makes a generator")]
    fn draw<T>(&self, from: impl FnOnce(&mut Rng) -> T) -> T {
        match self {
            Self::System => from(&mut Rng::new()),
            Self::Seeded(rng) => from(&mut rng.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(random: &Random) -> (Uuid, Uuid, WriteId, u32, Option<u8>) {
        let at = "2026-01-31T09:30:00.123Z".parse().unwrap();
        let mut items = [1, 2, 3, 4, 5, 6, 7, 8];
        random.shuffle(&mut items);
        (random.uuid_v4(), random.uuid_v7(at), random.write_id(), random.u32(..), random.choice(&items).copied())
    }

    #[test]
    fn a_seed_gives_the_same_again_and_the_system_never_does() {
        assert_eq!(drawn(&Random::seeded(7)), drawn(&Random::seeded(7)));
        assert_ne!(drawn(&Random::seeded(7)), drawn(&Random::seeded(8)));
        assert_ne!(drawn(&Random::System), drawn(&Random::System));
    }

    #[test]
    fn ids_are_what_they_say() {
        for random in [Random::System, Random::seeded(7)] {
            let (v4, v7, ..) = drawn(&random);
            assert_eq!((v4.get_version_num(), v7.get_version_num()), (4, 7));
            assert!(v7.to_string().starts_with("019c1363-4a3b-7"), "{v7}");
            assert!((0.0..1.0).contains(&random.f64()) && (1..=4).contains(&random.u32(1..=4)));
        }
    }
}
