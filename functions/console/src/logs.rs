//! Where what a request logged is found on AWS: a query of CloudWatch Logs Insights.

use jiff::{SignedDuration, Timestamp};
use models::stamp;
use runtime::SettingError;

/// How long before something happened its request may have begun, and for how long after it webhooks and mails of it are tried, as a
/// rule.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
const AFTER: SignedDuration = SignedDuration::from_hours(24);

/// The groups of logs of one deployment.
#[derive(Debug)]
pub struct Logs {
    region: String,
    groups: Vec<String>,
}

impl Logs {
    /// From the variables that template.yaml sets; none if there are no such groups, as with `local`.
    pub(crate) fn from_env() -> Result<Option<Self>, SettingError> {
        let Some(groups) = runtime::optional("LOG_GROUPS") else { return Ok(None) };
        let groups = groups.split(',').map(str::to_owned).collect();
        Ok(Some(Self { region: runtime::required("AWS_REGION")?, groups }))
    }

    /// The page of AWS that searches for all that the request with this correlation id caused around this time.
    ///
    /// The query is no part of what AWS documents: an object is `~(name~value~…)`, a list `~(~value~…)`, a text begins with `'`, and
    /// what is special in it is `*` with two hexadecimal digits.
    pub(crate) fn query_url(&self, id: &str, at: Timestamp) -> String {
        let Self { region, groups } = self;
        let id = id.replace('\\', r"\\").replace('"', r#"\""#);
        let query = format!(
            "fields @timestamp, @log, @message\n\
             | filter requestId = \"{id}\" or request_id = \"{id}\" or correlation_id = \"{id}\"\n\
             | sort @timestamp\n\
             | limit 1000"
        );
        let time = |at: Result<Timestamp, jiff::Error>| encoded(&stamp(at.unwrap_or(Timestamp::MAX)));
        let (start, end) = (time(at.checked_sub(BEFORE)), time(at.checked_add(AFTER)));
        let groups: String = groups.iter().map(|group| format!("~'{}", encoded(group))).collect();
        format!(
            "https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:logs-insights$3FqueryDetail$3D\
             ~(end~'{end}~start~'{start}~timeType~'ABSOLUTE~tz~'UTC~editorString~'{}~source~({groups})~lang~'CWLI)",
            encoded(&query)
        )
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(2 * text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("*{byte:02x}"));
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_query_for_the_request() {
        let groups = ["/counterfoil/pay/functions", "/counterfoil/pay/access"].map(str::to_owned).to_vec();
        let logs = Logs { region: "eu-west-2".to_owned(), groups };
        let url = logs.query_url("JKJaXmPLvHcESHA=", "2026-01-31T09:30:00.5Z".parse().unwrap());
        let expected = "https://eu-west-2.console.aws.amazon.com/cloudwatch/home?region=eu-west-2\
            #logsV2:logs-insights$3FqueryDetail$3D~(end~'2026-02-01T09*3a30*3a00.500Z~start~'2026-01-31T08*3a30*3a00.500Z\
            ~timeType~'ABSOLUTE~tz~'UTC~editorString~'fields*20*40timestamp*2c*20*40log*2c*20*40message*0a\
            *7c*20filter*20requestId*20*3d*20*22JKJaXmPLvHcESHA*3d*22*20or*20request*5fid*20*3d*20*22JKJaXmPLvHcESHA*3d*22\
            *20or*20correlation*5fid*20*3d*20*22JKJaXmPLvHcESHA*3d*22*0a*7c*20sort*20*40timestamp*0a*7c*20limit*201000\
            ~source~(~'*2fcounterfoil*2fpay*2ffunctions~'*2fcounterfoil*2fpay*2faccess)~lang~'CWLI)";
        assert_eq!(url, expected);
    }

    #[test]
    fn an_id_stays_inside_of_its_query() {
        let logs = Logs { region: "eu-west-2".to_owned(), groups: vec!["a".to_owned()] };
        let url = logs.query_url(r#"a" or 1=1 ~'\"#, Timestamp::UNIX_EPOCH);
        assert!(url.contains(r"*22a*5c*22*20or*201*3d1*20*7e*27*5c*5c*22"), "{url}");
    }
}
