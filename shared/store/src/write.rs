//! The kinds of writes that there are. Nothing writes to the table without saying which kind it is.
//!
//! A write whose packet was lost is repeated by the SDK after three seconds. The first attempt may arrive after that, and
//! after what others have written since; it must change nothing then. So the condition of each kind holds once: it is one of
//! those in docs/decisions/0019-late-writes.md. The tests of this module send every kind again after everything that
//! follows it.

/// How long after its timestamp a write lands at the most. An operation with its repeats takes 8 seconds
/// (`runtime::aws_config_for`), other transactions hold it up for 4, a session that pays a refund needs two, and functions that
/// answer requests run for 10.
pub const WRITE_LANDS_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);

/// How far the clocks of two functions, or of a function and DynamoDB, may be apart.
pub const CLOCKS_DIFFER_BY: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a write does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum WriteKind {
            $($(#[$doc])* $name,)*
        }

        impl WriteKind {
            /// All of them.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// As it is called in errors.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    // Sessions. Never deleted: a tombstone stays.
    SessionCreate = "creating a session",
    /// The state is a condition, and no way leads back to it for the same attempt, whose number is one as well where it
    /// matters; the choice of another bank has the number of the attempt before.
    SessionChange = "changing a session",
    /// `due_at` only rises, for this attempt in this state.
    SessionCheckAgain = "rescheduling a session",
    /// Sets what is fixed.
    ProviderAnswer = "recording a provider's answer",
    /// Sets what is fixed. Never deleted.
    BankPayment = "recording whose a provider's payment is",
    /// The first stays; of the same payment, how much has come so only rises.
    LateMoney = "noting late money",
    /// The first stays.
    TakenBack = "noting money taken back",
    /// The total only rises.
    Received = "noting what was received",
    /// Once.
    SessionDelete = "deleting a session",
    /// Removes for good, and sets what is fixed.
    SessionErase = "erasing a session",
    // Refunds and what changes with them: all in transactions whose first write holds once.
    RefundPoint = "pointing to a refund",
    RefundCreate = "making a refund",
    /// The state is a condition, and no way leads back to it.
    RefundChange = "changing a refund",
    RefundSubmit = "submitting a refund",
    /// Sets what is fixed.
    RefundAnswer = "recording a provider's answer about a refund",
    /// `due_at` only rises, while the provider has not ended it.
    RefundCheckAgain = "rescheduling a refund",
    RefundOpen = "noting whether a refund's payment is open at consent",
    RefundReserve = "reserving a refund's amount",
    RefundGiveBack = "giving a refund's amount back",
    /// Removes for good.
    RefundErase = "erasing a refund",
    /// The time of its test clock, which only rises.
    ObjectClock = "moving a test clock's time to what follows it",
    // Test clocks. A tombstone stays, until its time to live, weeks later.
    ClockCreate = "making a test clock",
    /// In a transaction whose first write holds once.
    ClockJoin = "adding a session to a test clock",
    /// The time is earlier than that to advance to, and only rises.
    ClockAdvance = "advancing a test clock",
    /// The time is a condition, and only rises.
    ClockStep = "moving a test clock",
    /// It is being advanced to the time that it shows.
    ClockArrive = "ending the advance of a test clock",
    /// Once.
    ClockDelete = "deleting a test clock",
    // Customers. Never deleted: a tombstone stays.
    CustomerCreate = "creating a customer",
    /// The version is a condition.
    CustomerChange = "changing a customer",
    /// `final_at` only rises.
    CustomerSession = "noting a customer's session",
    /// Once.
    CustomerDelete = "deleting a customer",
    /// Once.
    CustomerErase = "erasing a customer",
    // Counts of what is in lists. Never deleted; changed in transactions whose first write holds once.
    /// Removed by its time to live alone, days later.
    CountMark = "marking what is counted",
    Count = "counting",
    // Pointers, by which a session is found. Removed in the transaction that erases or deletes their session.
    /// Puts what is fixed, while their session is neither erased nor deleted, which it is for good.
    PointerPut = "pointing to a session",
    /// In a transaction whose first write holds once, or removes for good.
    PointerRemove = "removing the pointers to a session",
    // What ended, and what days add up to. Removed by their time to live alone, months later.
    /// The first stays.
    EndingPut = "noting how something ended",
    /// The version is a condition, and so is that nothing is kept of it yet.
    DayKeep = "keeping what a day adds up to",
    /// The version is a condition.
    DayCountAgain = "having a day counted again",
    // Events. Removed by their time to live alone, weeks later.
    EventPut = "putting an event",
    /// In a transaction whose first write holds once.
    EventForget = "putting an event of a deleted session",
    /// Sets what is fixed, or removes for good.
    EventErase = "erasing an event",
    /// Sets what is fixed.
    EventPublished = "noting that an event is published",
    AttemptNote = "noting a delivery",
    // Mails. Never deleted.
    MailPut = "putting a mail",
    /// `due_at` is past, and no lease is held: whatever follows ends one or the other.
    MailClaim = "claiming a mail",
    /// The lease is a condition, and a claim has its own.
    MailSent = "marking a mail as sent",
    MailRetry = "rescheduling a mail",
    MailPutOff = "putting a mail off",
    MailFail = "giving a mail up",
    MailNotNeeded = "marking a mail as not needed",
    /// The first stays.
    MailNote = "noting a mail's feedback",
    /// The lease that it was last claimed with is a condition.
    MailResend = "sending a mail again",
    /// The first stays. Removed by its time to live alone, a week later.
    BouncePut = "noting that a mail did not arrive",
    // Endpoints: the version is a condition, that of their count where they come and go.
    EndpointRegister = "registering an endpoint",
    EndpointRemove = "removing an endpoint",
    EndpointCount = "counting endpoints",
    EndpointChange = "changing an endpoint",
    EndpointRotate = "replacing an endpoint's secret",
    EndpointFinishRotation = "ending the replacement of an endpoint's secret",
    EndpointGone = "disabling an endpoint",
    EndpointResume = "resuming an endpoint",
    /// `due_at` is long past, and only rises.
    EndpointResumed = "ending an endpoint's resumption",
    /// What the slot holds is a condition, and rises with each of these.
    SlotClaim = "claiming a slot",
    SlotFail = "counting a failure",
    SlotFree = "freeing a slot",
    // Cursors. Removed by their time to live alone, weeks later.
    /// `head` only rises.
    CursorAdvance = "moving a cursor's head",
    /// `renewed_at` only rises.
    CursorReplay = "replaying an event",
    /// Once.
    CursorReplayMissed = "replaying a missed event",
    /// `due_at` is past, and no lease is held: whatever follows ends one or the other.
    CursorClaim = "claiming a cursor",
    /// The lease is a condition, and `delivered` only rises.
    CursorMove = "moving a cursor",
    /// The lease is a condition, and goes.
    CursorFinish = "finishing with a cursor",
    CursorRetry = "rescheduling a cursor",
    CursorPause = "pausing a cursor",
    CursorDrop = "dropping a cursor",
    /// `renewed_at` only rises.
    CursorResume = "resuming a cursor",
    /// `renewed_at` only rises.
    CursorHasten = "hastening a cursor",
    // Merchants. Never deleted.
    MerchantCreate = "creating a merchant",
    /// The count before is a condition, and it only rises.
    ListShards = "raising a merchant's list shards",
    KeyAdd = "adding an API key",
    /// Once.
    KeyRevoke = "revoking an API key",
    /// Once.
    KeyRoll = "rolling an API key",
    /// The day only rises.
    KeyUsed = "noting when an API key was used",
    // Linked accounts come and go: the version of them all, in the profile, is a condition.
    AccountLink = "linking an account",
    AccountUnlink = "unlinking an account",
    AccountsChange = "changing a merchant's accounts",
    /// The version is a condition.
    ShopPut = "putting a shop",
    /// The version is a condition, and stays when the application goes.
    ApplicationPut = "putting an application",
    ApplicationRemove = "removing an application",
    // People of a merchant come and go: the version of them all is a condition. What changes of one alone is a time that only
    // rises, of a person who was added by the write that is named.
    PersonAdd = "adding a person",
    PersonChange = "changing a person's role",
    PersonRemove = "removing a person",
    SignInPut = "noting where a person signs in",
    SignInRemove = "removing where a person signs in",
    PeopleChange = "changing a merchant's people",
    VisitsEnd = "ending a person's visits",
    LinkAsk = "noting that a sign-in link was asked for",
    /// The link that it goes with is used once, or the visit that it goes with is put once.
    PersonSignIn = "noting that a person signed in",
    // Links and visits. Removed by their time to live alone, a day after they are over.
    LinkPut = "making a sign-in link",
    /// Once.
    LinkUse = "using a sign-in link",
    // Sign-ins at an issuer. Removed by their time to live alone, a day after they are over.
    OidcPut = "beginning a sign-in at an issuer",
    /// Once.
    OidcUse = "coming back from an issuer",
    // Choices of a merchant after such a sign-in. Removed as they are.
    OidcChoicePut = "letting somebody choose a merchant",
    /// Once.
    OidcChoiceUse = "choosing a merchant",
    // Mails to people: sign-in links and notices. Removed by their time to live alone.
    LinkMailPut = "putting a mail with a sign-in link",
    /// `free_at` is past, and only rises.
    LinkMailClaim = "claiming a mail with a sign-in link",
    /// The lease is a condition, and a claim has its own.
    LinkMailPutBack = "putting back a mail with a sign-in link",
    LinkMailEnd = "ending a mail with a sign-in link",
    /// In a transaction whose first write holds once; or the first itself, under a token that nobody else has.
    VisitPut = "beginning a visit",
    /// `seen_at` only rises.
    VisitSeen = "noting that a visit goes on",
    /// Once.
    VisitEnd = "ending a visit",
    /// The mark before is a condition, and each has an id of its own.
    Republish = "marking to be published again",
    // Acts, in a table of their own. Never changed or deleted.
    ActPut = "recording an act",
    // The mock banks' ledger. Never deleted; the first entry stays.
    MockLedger = "keeping the mock bank's ledger",
}

#[cfg(test)]
tokio::task_local! {
    /// The kinds of the writes in the request that is being sent.
    pub(crate) static SENDING: Vec<WriteKind>;
}

/// Sends a request that does these writes.
#[cfg(test)]
pub(crate) async fn sending<T>(kinds: Vec<WriteKind>, sent: impl Future<Output = T>) -> T {
    SENDING.scope(kinds, sent).await
}

#[cfg(test)]
mod tests;
