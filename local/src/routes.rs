//! Which function a request belongs to, decided as API Gateway does.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::percent_decode_str;

/// A route's key: `GET /sessions/{id}`, `ANY /{proxy+}` or `$default`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RouteKey {
    /// Whatever no other route takes.
    Default,
    Path {
        method: MethodPattern,
        segments: Vec<Segment>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MethodPattern {
    Any,
    Only(String),
}

/// One part of a path between slashes. The path `/a/` has two, the second empty: a trailing slash is significant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(String),
    /// `{name}`: exactly one segment, not empty.
    Variable(String),
    /// `{name+}`: everything that is left, at least one segment; only at the end.
    Greedy(String),
}

impl RouteKey {
    /// SAM's `Method` and `Path`: neither means `$default`, a path alone means any method.
    pub(crate) fn new(method: Option<&str>, path: Option<&str>) -> Result<Self, String> {
        let Some(path) = path else {
            return match method {
                None => Ok(Self::Default),
                Some(_) => Err("has a Method but no Path".to_owned()),
            };
        };
        if path == "$default" {
            return Ok(Self::Default);
        }
        let Some(rest) = path.strip_prefix('/') else {
            return Err(format!("the Path `{path}` must start with a slash"));
        };
        let segments: Vec<Segment> = rest.split('/').map(segment).collect::<Result<_, _>>()?;
        let greedy = segments.iter().position(|segment| matches!(segment, Segment::Greedy(_)));
        if greedy.is_some_and(|index| index + 1 != segments.len()) {
            return Err(format!("in the Path `{path}` only the last segment may be greedy"));
        }
        let method = match method.map(str::to_ascii_uppercase).as_deref() {
            None | Some("ANY" | "X-AMAZON-APIGATEWAY-ANY-METHOD") => MethodPattern::Any,
            Some(method @ ("GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS")) => {
                MethodPattern::Only(method.to_owned())
            }
            Some(other) => return Err(format!("the Method `{other}` is not one that API Gateway routes")),
        };
        Ok(Self::Path { method, segments })
    }

    /// The variables' values if the route takes the request, its path still percent-encoded.
    fn takes(&self, method: &str, path: &[&str]) -> Option<BTreeMap<String, String>> {
        let (pattern, segments) = match self {
            Self::Default => return Some(BTreeMap::new()),
            Self::Path { method, segments } => (method, segments),
        };
        match pattern {
            MethodPattern::Any => {}
            MethodPattern::Only(only) if only == method => {}
            MethodPattern::Only(_) => return None,
        }
        let mut variables = BTreeMap::new();
        let mut rest = path;
        for segment in segments {
            let (first, after) = rest.split_first()?;
            match segment {
                Segment::Literal(text) if text == first => rest = after,
                Segment::Literal(_) => return None,
                Segment::Variable(name) if !first.is_empty() => {
                    variables.insert(name.clone(), decode(first));
                    rest = after;
                }
                Segment::Variable(_) => return None,
                Segment::Greedy(name) => {
                    let whole = rest.join("/");
                    if whole.is_empty() {
                        return None;
                    }
                    variables.insert(name.clone(), decode(&whole));
                    rest = &[];
                }
            }
        }
        rest.is_empty().then_some(variables)
    }

    /// Orders routes that take the same request, the most specific first.
    fn specificity(&self) -> (u8, Vec<u8>, u8) {
        match self {
            Self::Default => (2, Vec::new(), 0),
            Self::Path { method, segments } => {
                let ranks: Vec<u8> = segments
                    .iter()
                    .map(|segment| match segment {
                        Segment::Literal(_) => 0,
                        Segment::Variable(_) => 1,
                        Segment::Greedy(_) => 2,
                    })
                    .collect();
                let greedy = u8::from(ranks.contains(&2));
                (greedy, ranks, u8::from(*method == MethodPattern::Any))
            }
        }
    }
}

fn segment(text: &str) -> Result<Segment, String> {
    let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return if text.contains(['{', '}']) {
            Err(format!("the segment `{text}` must be a variable as a whole"))
        } else {
            Ok(Segment::Literal(text.to_owned()))
        };
    };
    let (name, greedy) = inner.strip_suffix('+').map_or((inner, false), |name| (name, true));
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        return Err(format!("`{text}` is no name for a variable"));
    }
    Ok(if greedy { Segment::Greedy(name.to_owned()) } else { Segment::Variable(name.to_owned()) })
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("$default"),
            Self::Path { method, segments } => {
                match method {
                    MethodPattern::Any => f.write_str("ANY ")?,
                    MethodPattern::Only(method) => write!(f, "{method} ")?,
                }
                for segment in segments {
                    match segment {
                        Segment::Literal(text) => write!(f, "/{text}")?,
                        Segment::Variable(name) => write!(f, "/{{{name}}}")?,
                        Segment::Greedy(name) => write!(f, "/{{{name}+}}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

/// All routes of an API.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Route and the function it belongs to, the most specific first.
    routes: Vec<(RouteKey, String)>,
}

/// A route that takes a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RouteMatch<'a> {
    pub(crate) key: &'a RouteKey,
    pub(crate) function: &'a str,
    pub(crate) path_parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(crate) fn new(mut routes: Vec<(RouteKey, String)>) -> Self {
        routes.sort_by_key(|(key, _)| key.specificity());
        Self { routes }
    }

    /// The key of every route.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &RouteKey> {
        self.routes.iter().map(|(key, _)| key)
    }

    /// The most specific route that takes the request.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<RouteMatch<'_>> {
        let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        self.routes.iter().find_map(|(key, function)| {
            let path_parameters = key.takes(method, &segments)?;
            Some(RouteMatch { key, function, path_parameters })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(declared: &[(&str, &str)]) -> Routes {
        let key = |method, path| RouteKey::new(Some(method), Some(path)).unwrap();
        let mut routes: Vec<_> =
            declared.iter().map(|(method, path)| (key(method, path), format!("{method} {path}"))).collect();
        routes.push((RouteKey::Default, "default".to_owned()));
        Routes::new(routes)
    }

    #[test]
    fn the_most_specific_route_wins() {
        let routes = routes(&[
            ("ANY", "/{proxy+}"),
            ("ANY", "/pets/{proxy+}"),
            ("GET", "/pets/{id}"),
            ("ANY", "/pets/dog"),
            ("GET", "/pets/dog"),
            ("GET", "/pets/{id}/toys"),
        ]);
        for (method, path, expected) in [
            ("GET", "/pets/dog", "GET /pets/dog"),
            ("PUT", "/pets/dog", "ANY /pets/dog"),
            ("GET", "/pets/cat", "GET /pets/{id}"),
            ("PUT", "/pets/cat", "ANY /pets/{proxy+}"),
            ("GET", "/pets/cat/toys", "GET /pets/{id}/toys"),
            ("GET", "/pets/cat/toys/", "ANY /pets/{proxy+}"),
            ("GET", "/cars", "ANY /{proxy+}"),
            ("GET", "/", "default"),
        ] {
            assert_eq!(routes.find(method, path).unwrap().function, expected, "{method} {path}");
        }
    }

    #[test]
    fn a_trailing_slash_makes_another_path() {
        let routes = routes(&[("GET", "/pets"), ("GET", "/pets/{id}")]);
        assert_eq!(routes.find("GET", "/pets").unwrap().function, "GET /pets");
        assert_eq!(routes.find("GET", "/pets/").unwrap().function, "default");
        assert_eq!(routes.find("GET", "/pets/1/").unwrap().function, "default");
    }

    #[test]
    fn variables_are_decoded_after_matching() {
        let routes = routes(&[("GET", "/pets/{id}"), ("GET", "/files/{path+}")]);
        let find = |path| routes.find("GET", path).unwrap().path_parameters;
        assert_eq!(find("/pets/a%2Fb%20c"), BTreeMap::from([("id".to_owned(), "a/b c".to_owned())]));
        assert_eq!(find("/files/a/b%20c"), BTreeMap::from([("path".to_owned(), "a/b c".to_owned())]));
    }

    #[test]
    fn impossible_routes_are_refused() {
        for (method, path) in [
            (Some("GET"), None),
            (Some("GET"), Some("pets")),
            (Some("FETCH"), Some("/pets")),
            (Some("GET"), Some("/{a+}/b")),
            (Some("GET"), Some("/a{b}")),
            (Some("GET"), Some("/{}")),
        ] {
            assert!(RouteKey::new(method, path).is_err(), "{method:?} {path:?}");
        }
    }
}
