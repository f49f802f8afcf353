//! QR codes as cameras read them.

use rqrr::{Grid, SimpleGrid};

/// What a camera reads of the first code of ours in a page: drawn by a stroke for each row, with a quiet zone of four modules.
#[expect(clippy::indexing_slicing, reason = "only for tests")]
pub fn read_qr(html: &str) -> String {
    let (_, drawn) = html.split_once("<path stroke=\"#000000\" d=\"").unwrap();
    let (path, _) = drawn.split_once('"').unwrap();
    let mut rows = Vec::new();
    for (row, line) in path.split('M').skip(1).enumerate() {
        let start = line.find(['h', 'm']).unwrap();
        let (place, steps) = line.split_at(start);
        assert_eq!(place, format!("4 {}.5", row + 4));
        let mut drawn = Vec::new();
        for step in steps.replace(" 0", "").replace('h', " h").replace('m', " m").split_whitespace() {
            let (kind, length) = step.split_at(1);
            drawn.extend(vec![kind == "h"; length.parse().unwrap()]);
        }
        rows.push(drawn);
    }
    let grid = SimpleGrid::from_func(rows.len(), |x, y| rows[y][x]);
    Grid::new(grid).decode().unwrap().1
}
