//! Where each AWS service is, as variables say.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>

use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
const IGNORE: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";

/// The endpoints that variables configure. Each service's client asks for its own; without one it goes to that of all
/// services.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConfiguredEndpoints {
    /// The value of a variable, if it has one.
    pub(super) read: fn(&str) -> Option<String>,
}

impl ConfiguredEndpoints {
    /// The endpoint of services that have none of their own.
    pub(super) fn of_all_services(self) -> Option<String> {
        self.unless_ignored(ENDPOINT_URL)
    }

    fn unless_ignored(self, name: &str) -> Option<String> {
        let ignored = (self.read)(IGNORE).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if ignored { None } else { (self.read)(name) }
    }
}

impl LoadServiceConfig for ConfiguredEndpoints {
    /// `AWS_ENDPOINT_URL_` and the service's id in capitals, other characters than letters and digits as underscores:
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html>
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        if key.env() != ENDPOINT_URL {
            return None;
        }
        let service = key.service_id().replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        self.unless_ignored(&format!("{ENDPOINT_URL}_{}", service.to_ascii_uppercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_service(endpoints: ConfiguredEndpoints, service_id: &str) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id(service_id).env(ENDPOINT_URL).profile("endpoint_url");
        endpoints.load_config(key.build().unwrap())
    }

    fn variables(name: &str) -> Option<String> {
        let value = match name {
            "AWS_ENDPOINT_URL" => "http://all",
            "AWS_ENDPOINT_URL_DYNAMODB" => "http://dynamodb",
            "AWS_ENDPOINT_URL_SESV2" => "http://sesv2",
            "AWS_ENDPOINT_URL_ELASTIC_BEANSTALK" => "http://elastic-beanstalk",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn each_service_has_its_own_variable() {
        let endpoints = ConfiguredEndpoints { read: variables };
        assert_eq!(endpoints.of_all_services().as_deref(), Some("http://all"));
        for (service_id, endpoint) in [
            ("DynamoDB", Some("http://dynamodb")),
            ("SESv2", Some("http://sesv2")),
            ("Elastic Beanstalk", Some("http://elastic-beanstalk")),
            ("SQS", None),
        ] {
            assert_eq!(of_service(endpoints, service_id).as_deref(), endpoint, "{service_id}");
        }
    }

    #[test]
    fn all_are_ignored_if_a_variable_says_so() {
        let ignoring = |name: &str| if name == IGNORE { Some("True".to_owned()) } else { variables(name) };
        let endpoints = ConfiguredEndpoints { read: ignoring };
        assert_eq!((endpoints.of_all_services(), of_service(endpoints, "DynamoDB")), (None, None));
        let heeding = |name: &str| if name == IGNORE { Some("false".to_owned()) } else { variables(name) };
        let endpoints = ConfiguredEndpoints { read: heeding };
        assert_eq!(of_service(endpoints, "DynamoDB").as_deref(), Some("http://dynamodb"));
    }
}
