//! Who calls AWS: each process has an access key of its own.

/// Starts the access key of a function's process, followed by function and process number.
const ACCESS_KEY_PREFIX: &str = "local";

/// The process an AWS call came from, by its access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) function: String,
    pub(crate) process: u64,
}

impl Caller {
    pub(super) fn access_key(&self) -> String {
        format!("{ACCESS_KEY_PREFIX}-{}-{}", self.function, self.process)
    }

    /// Reads the access key in an Authorization header: `AWS4-HMAC-SHA256 Credential=<key>/<date>/…`.
    /// Nothing means somebody else: a test, the AWS CLI.
    pub(crate) fn from_authorization(header: &str) -> Option<Self> {
        let key = header.split_once("Credential=")?.1.split('/').next()?;
        let (function, process) = key.strip_prefix(ACCESS_KEY_PREFIX)?.strip_prefix('-')?.rsplit_once('-')?;
        Some(Self { function: function.to_owned(), process: process.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_bears_the_process_it_came_from() {
        let caller = Caller { function: "CreateFunction".to_owned(), process: 3 };
        let header =
            format!("AWS4-HMAC-SHA256 Credential={}/20261121/eu-west-2/dynamodb/aws4_request", caller.access_key());
        assert_eq!(Caller::from_authorization(&header), Some(caller));
        for other in ["", "Basic eA==", "AWS4-HMAC-SHA256 Credential=local/2026/x", "AWS4 Credential=local-F-x/"] {
            assert_eq!(Caller::from_authorization(other), None, "{other}");
        }
    }
}
