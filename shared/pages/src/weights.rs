//! What a client accepts, each with its weight: the lists of `Accept`, `Accept-Encoding` and `Accept-Language`.

/// How many of a list are read; browsers send some ten.
const MAX_ITEMS: usize = 32;

/// Each of a list with its weight in thousandths: 1000 if it has none, 0 if it is not accepted (RFC 9110, 12.4.2). One whose weight
/// is malformed is left out, and so are parameters of other names.
pub fn weighted(list: &str) -> impl Iterator<Item = (&str, u16)> {
    list.split(',').take(MAX_ITEMS).filter_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next()?;
        let mut weights =
            parts.filter_map(|part| part.split_once('=')).filter(|(name, _)| name.eq_ignore_ascii_case("q"));
        Some((name, weights.next().map_or(Some(1000), |(_, weight)| thousandths(weight))?))
    })
}

/// A number from 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match (whole, format!("{decimals:0<3}").parse().ok()?) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_weight_or_is_left_out() {
        let list = "br, gzip;q=0.5 , a;q=0,b; v=1; Q=1.000,c;q=0. ,d;q=x,e;q=2,f;q=1.001,g;q=-1,h;q=.5,i;q=0.1234,j;q=NaN,k;q,";
        let expected = [("br", 1000), ("gzip", 500), ("a", 0), ("b", 1000), ("c", 0), ("k", 1000), ("", 1000)];
        assert_eq!(weighted(list).collect::<Vec<_>>(), expected);
        assert_eq!(weighted(&"a,".repeat(1000)).count(), MAX_ITEMS);
    }
}
