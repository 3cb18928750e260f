//! Where units can walk: a grid of cells, drawn as text.

/// The terrains maps may name, as drawings: the top line is the northern edge, `.` can be walked
/// on and `#` cannot.
///
/// `strip` is shared by all maps of SMAC with marines only and by several others: the cells
/// `0 <= x < 32`, `8 <= y < 24` (from the cell flags of the map file).
pub const TERRAINS: &[(&str, &str)] =
    &[("strip", include_str!("terrain/strip.txt")), ("open", include_str!("terrain/open.txt"))];

/// A grid of cells of side 1 whose south-western corner is the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terrain {
    width: usize,
    height: usize,
    /// `[y, x]`: whether the cell can be walked on.
    pathable: Vec<bool>,
    /// `[y, x]`: whether it and its eight neighbours can.
    inner: Vec<bool>,
}

impl Terrain {
    /// Reads a drawing.
    ///
    /// # Errors
    ///
    /// The reason, when lines differ in length or hold other characters than `.` and `#`.
    pub fn parse(drawing: &str) -> Result<Self, String> {
        let lines: Vec<_> = drawing.lines().rev().collect();
        let width = lines.first().map_or(0, |line| line.len());
        if width == 0 {
            return Err("the drawing is empty".to_owned());
        }
        let mut pathable = Vec::with_capacity(width * lines.len());
        for (y, line) in lines.iter().enumerate() {
            if line.len() != width {
                return Err(format!(
                    "row {y} from the south has {} cells, not {width}",
                    line.len()
                ));
            }
            for cell in line.chars() {
                match cell {
                    '.' => pathable.push(true),
                    '#' => pathable.push(false),
                    other => return Err(format!("row {y} from the south holds `{other}`")),
                }
            }
        }
        let height = lines.len();
        let open = |x: usize, y: usize| {
            x >= 1
                && y >= 1
                && x + 1 < width
                && y + 1 < height
                && (y - 1..=y + 1)
                    .all(|y| pathable[y * width + x - 1..=y * width + x + 1] == [true; 3])
        };
        let inner = (0..height * width).map(|cell| open(cell % width, cell / width)).collect();
        Ok(Self { width, height, pathable, inner })
    }

    /// The extent from west to east.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The extent from south to north.
    pub fn height(&self) -> usize {
        self.height
    }

    /// How high cell `(x, y)` lies, from 0 to 1. Our terrains are flat but for
    /// their cliffs, which stand above the ground.
    #[inline]
    pub fn height_at(&self, x: i32, y: i32) -> f32 {
        if self.pathable(x, y) { 0.5 } else { 1.0 }
    }

    /// Whether cell `(x, y)` lies on the map and can be walked on.
    #[inline]
    pub fn pathable(&self, x: i32, y: i32) -> bool {
        self.index(x, y).is_some_and(|cell| self.pathable[cell])
    }

    /// Whether cell `(x, y)` lies on the map.
    #[inline]
    pub fn contains(&self, x: i32, y: i32) -> bool {
        self.index(x, y).is_some()
    }

    /// Whether a unit that keeps `margin` (below 1) from cliffs can stand at `(x, y)`.
    #[inline]
    pub fn admits(&self, x: f32, y: f32, margin: f32) -> bool {
        if x < 0.0 || y < 0.0 {
            return false;
        }
        match self.index(x as i32, y as i32) {
            None => false,
            Some(cell) if self.inner[cell] => true,
            Some(cell) => {
                self.pathable[cell]
                    && x >= margin
                    && y >= margin
                    && self.pathable((x - margin) as i32, y as i32)
                    && self.pathable((x + margin) as i32, y as i32)
                    && self.pathable(x as i32, (y - margin) as i32)
                    && self.pathable(x as i32, (y + margin) as i32)
            }
        }
    }

    /// Where a unit ends that wants to go from one point to another close by: cliffs take away
    /// the part of the motion that runs into them.
    #[inline]
    pub fn slide(&self, from: (f32, f32), to: (f32, f32), margin: f32) -> (f32, f32) {
        let tries = [to, (to.0, from.1), (from.0, to.1)];
        tries.into_iter().find(|&(x, y)| self.admits(x, y, margin)).unwrap_or(from)
    }

    #[inline]
    fn index(&self, x: i32, y: i32) -> Option<usize> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        (x < self.width && y < self.height).then(|| y * self.width + x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip() -> Terrain {
        Terrain::parse(TERRAINS[0].1).expect("our drawing is well formed")
    }

    #[test]
    fn the_strip_is_sixteen_cells_high() {
        let terrain = strip();
        assert_eq!((terrain.width(), terrain.height()), (32, 32));
        for y in -1..33 {
            for x in -1..33 {
                let inside = (0..32).contains(&x) && (8..24).contains(&y);
                assert_eq!(terrain.pathable(x, y), inside, "cell ({x}, {y})");
            }
        }
    }

    #[test]
    fn a_unit_keeps_its_margin_from_cliffs_and_from_the_edge_of_the_map() {
        let terrain = strip();
        assert!(terrain.admits(16.0, 8.375, 0.375));
        assert!(!terrain.admits(16.0, 8.374, 0.375));
        assert!(terrain.admits(16.0, 23.624, 0.375));
        assert!(!terrain.admits(16.0, 23.625, 0.375));
        assert!(terrain.admits(0.375, 16.0, 0.375));
        assert!(!terrain.admits(0.374, 16.0, 0.375));
        assert!(!terrain.admits(-0.1, 16.0, 0.375));
        assert!(!terrain.admits(31.7, 16.0, 0.375));
    }

    #[test]
    fn a_cliff_takes_away_the_part_of_the_motion_that_runs_into_it() {
        let terrain = strip();
        assert_eq!(terrain.slide((5.0, 16.0), (5.1, 16.1), 0.375), (5.1, 16.1));
        assert_eq!(terrain.slide((5.0, 8.4), (5.1, 8.3), 0.375), (5.1, 8.4));
        assert_eq!(terrain.slide((0.4, 8.4), (0.3, 8.3), 0.375), (0.4, 8.4));
    }

    #[test]
    fn a_crooked_drawing_is_refused() {
        assert!(Terrain::parse("..\n.").is_err());
        assert!(Terrain::parse("..\n.x").is_err());
        assert!(Terrain::parse("").is_err());
    }
}
