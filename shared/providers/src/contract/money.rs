//! How often the mock banks moved a payment's money.

use jiff::Timestamp;
use models::EndToEndId;

use crate::mock::{Concluded, Conclusion, Decision, Entry, Ledger, Order};

/// The attempts at a payment whose money the mock banks have moved, or will, by their ledger alone: whatever anybody says.
/// More than one is a payment that was made twice. What is asked for and then fails ([`Decision::ApproveThenFail`], …) moves
/// until it fails.
///
/// # Panics
/// The ledger can't be read.
pub async fn money_moved(ledger: &impl Ledger, payment: EndToEndId, now: Timestamp) -> Vec<u8> {
    let moves = |decision: Decision, asked_at: Timestamp| match decision {
        Decision::Approve | Decision::ApproveThenSettle => true,
        Decision::ApproveThenFail | Decision::ApproveThenLackFunds => now.duration_since(asked_at) < decision.delay(),
        Decision::Decline | Decision::InsufficientFunds | Decision::Refuse => false,
    };
    let mut moved = Vec::new();
    for attempt in 0..=u8::MAX {
        // What the first submission was of stands in its bytes; it is counted as attempt 0.
        let entry = Entry::Order(Some(attempt).filter(|attempt| *attempt > 0));
        let order: Option<Order> = ledger.get(payment, entry).await.expect("the ledger can be read");
        if order.is_some_and(|order| moves(order.decided.decision, order.submitted_at)) {
            moved.push(attempt);
        }
        let concluded: Option<Concluded> =
            ledger.get(payment, Entry::Conclusion(attempt)).await.expect("the ledger can be read");
        if let Some(Concluded { conclusion: Conclusion::Decided(decided), at }) = concluded
            && moves(decided.decision, at)
        {
            moved.push(attempt);
        }
    }
    moved
}
