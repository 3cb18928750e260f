//! Walkable ground: a grid of cells, drawn as text.

mod pathfinding;
mod reachability;

use std::sync::Arc;

use pathfinding::Paths;

/// The named terrains for maps, as drawings: the top line is the northern edge, `.` is walkable and `#`
/// is a cliff.
///
/// `strip` is shared by all maps of SMAC with marines only and by several others; `open` by those of
/// stalkers against zealots and by SMACv2's. Other maps draw their own.
///
/// Source of the built-in terrains: the cell flags of the map files, in blocks of 2 by 2 cells. The
/// game's treatment of cells next to a cliff in its pathfinding is not known. The choke of `corridor`
/// consists of blocks that touch only at their corners; there we cut the cliffs along the diagonal.
pub const TERRAINS: &[(&str, &str)] = &[
    ("strip", include_str!("../maps/terrain/strip.txt")),
    ("open", include_str!("../maps/terrain/open.txt")),
];

/// The distance by which a walker that runs straight into the corner of a cliff slips to the side.
const SLIP: f32 = 1.0 / 64.0;

/// The reason why a drawing is not a terrain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TerrainError {
    /// The row of the error, counted from zero at the top; `None` if it concerns several rows.
    pub row: Option<usize>,
    /// The error.
    pub reason: String,
}

/// A grid of cells with side 1 whose south-western corner is the origin.
///
/// A clone shares the tables of [`Terrain::waypoint`].
#[derive(Clone, Debug)]
pub struct Terrain {
    width: usize,
    height: usize,
    /// Whether each cell is walkable, `[y, x]`.
    pathable: Vec<bool>,
    /// Whether each cell and its eight neighbours are walkable, `[y, x]`.
    inner: Vec<bool>,
    /// The number of cliff cells south-west of each corner, `[y, x]`, with one row and column more.
    cliffs: Vec<u32>,
    /// The paths around cliffs; `None` if every path is straight.
    paths: Option<Arc<Paths>>,
}

impl PartialEq for Terrain {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height, &self.pathable) == (other.width, other.height, &other.pathable)
    }
}

impl Terrain {
    /// Parses a drawing.
    ///
    /// # Errors
    ///
    /// Returns an error if lines differ in length or contain other characters than `.` and `#`, or
    /// if the cliffs have more corners than [`Terrain::waypoint`] can handle.
    pub fn parse(drawing: &str) -> Result<Self, TerrainError> {
        let width = drawing.lines().next().map_or(0, str::len);
        if width == 0 {
            return Err(TerrainError { row: None, reason: "the drawing is empty".to_owned() });
        }
        for (row, line) in drawing.lines().enumerate() {
            let error = |reason| Err(TerrainError { row: Some(row), reason });
            if let Some(other) = line.chars().find(|cell| !matches!(cell, '.' | '#')) {
                return error(format!(
                    "a cell cannot be `{other}`: it must be `.` (ground) or `#` (cliff)"
                ));
            }
            if line.len() != width {
                let n = line.len();
                return error(format!("this row has {n} cells, but the first one has {width}"));
            }
        }
        let lines: Vec<_> = drawing.lines().rev().collect();
        let cells = lines.iter().flat_map(|line| line.bytes());
        let pathable: Vec<bool> = cells.map(|cell| cell == b'.').collect();
        let height = lines.len();
        let mut cliffs = vec![0; (width + 1) * (height + 1)];
        for y in 0..height {
            let mut row = 0;
            for x in 0..width {
                row += u32::from(!pathable[y * width + x]);
                cliffs[(y + 1) * (width + 1) + x + 1] = cliffs[y * (width + 1) + x + 1] + row;
            }
        }
        let inner = vec![false; width * height];
        let mut terrain = Self { width, height, pathable, inner, cliffs, paths: None };
        for cell in 0..width * height {
            let (x, y) = ((cell % width) as f32, (cell / width) as f32);
            terrain.inner[cell] = terrain.is_open(x - 1.0, y - 1.0, x + 1.0, y + 1.0);
        }
        let paths = Paths::new(&terrain).map_err(|reason| TerrainError { row: None, reason })?;
        terrain.paths = paths.map(Arc::new);
        Ok(terrain)
    }

    /// Returns the extent from west to east.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the extent from south to north.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Returns whether a point is on the map. NaN is not.
    pub fn holds(&self, (x, y): (f32, f32)) -> bool {
        (0.0..=self.width as f32).contains(&x) && (0.0..=self.height as f32).contains(&y)
    }

    /// Returns whether the whole map is walkable.
    pub fn is_flat(&self) -> bool {
        self.pathable.iter().all(|&open| open)
    }

    /// Returns whether cell `(x, y)` is on the map and walkable.
    #[inline]
    pub fn pathable(&self, x: i32, y: i32) -> bool {
        self.index(x, y).is_some_and(|cell| self.pathable[cell])
    }

    /// Returns whether cell `(x, y)` is on the map.
    #[inline]
    pub fn contains(&self, x: i32, y: i32) -> bool {
        self.index(x, y).is_some()
    }

    /// Returns the height of cell `(x, y)` as in SMAC's observations: between 0 and 1.
    ///
    /// The heights of the game's maps are not known. Ours are 0.5 for ground and 1 for cliffs and
    /// everything outside the map.
    #[inline]
    pub fn height_at(&self, x: i32, y: i32) -> f32 {
        if self.pathable(x, y) { 0.5 } else { 1.0 }
    }

    /// Returns whether a unit that keeps `margin` (below 1) from cliffs can stand at `(x, y)`: no cell
    /// that overlaps a square of half-width `margin` is a cliff.
    #[inline]
    pub fn admits(&self, x: f32, y: f32, margin: f32) -> bool {
        let inside = x >= 0.0 && y >= 0.0;
        inside
            && (self.index(x as i32, y as i32).is_some_and(|cell| self.inner[cell])
                || self.is_open(x - margin, y - margin, x + margin, y + margin))
    }

    /// Returns whether such a unit can walk straight from one point to another.
    pub fn clear(&self, from: (f32, f32), to: (f32, f32), margin: f32) -> bool {
        // From west to east, so that the reverse path is judged by the same arithmetic.
        let (a, b) = if from.0 <= to.0 { (from, to) } else { (to, from) };
        let (south, north) = (a.1.min(b.1), a.1.max(b.1));
        if self.is_open(a.0 - margin, south - margin, b.0 + margin, north + margin) {
            return true;
        }
        if a.0 < margin || south < margin || a.0 == b.0 || a.1 == b.1 {
            return false;
        }
        let slope = (b.1 - a.1) / (b.0 - a.0);
        let column_is_open = |column: i32| {
            let column = column as f32;
            let at = |x: f32| (a.1 + (x.clamp(a.0, b.0) - a.0) * slope).clamp(south, north);
            let (y0, y1) = (at(column - margin), at(column + 1.0 + margin));
            self.is_open(column, y0.min(y1) - margin, column, y0.max(y1) + margin)
        };
        ((a.0 - margin) as i32..=(b.0 + margin) as i32).all(column_is_open)
    }

    /// Returns the point to which a unit that keeps `margin` from cliffs walks straight next on a
    /// shortest path: `to` itself if nothing is in the way, else the first corner.
    ///
    /// An unreachable `to` is replaced by the nearest reachable point. If every path is straight (the
    /// walkable cells form one rectangle), the answer is always `to`. Paths are known for margins of
    /// 0.375 and 0.5; others are rounded up to these, as far as possible.
    ///
    /// The paths are those of the visibility graph of the cliffs' corners (Lozano-Pérez and Wesley
    /// 1979), with all shortest distances precomputed.
    pub fn waypoint(&self, from: (f32, f32), to: (f32, f32), margin: f32) -> (f32, f32) {
        match &self.paths {
            None => to,
            Some(_) if self.clear(from, to, margin) => to,
            Some(paths) => paths.for_margin(margin).waypoint(self, from, to),
        }
    }

    /// Returns the end of a short motion between two points: cliffs remove the part of the motion that
    /// runs into them, and a unit slips around a corner that is in the way by less than 1/64.
    #[inline]
    pub fn slide(&self, from: (f32, f32), to: (f32, f32), margin: f32) -> (f32, f32) {
        if self.admits(to.0, to.1, margin) {
            return to;
        }
        let (dx, dy) = ((to.0 - from.0).abs(), (to.1 - from.1).abs());
        let slips = [
            ((to.0, from.1), dx >= SLIP),
            ((from.0, to.1), dy >= SLIP),
            ((to.0, from.1 + SLIP), dx >= dy),
            ((to.0, from.1 - SLIP), dx >= dy),
            ((from.0 + SLIP, to.1), dx <= dy),
            ((from.0 - SLIP, to.1), dx <= dy),
            ((to.0, from.1), true),
            ((from.0, to.1), true),
        ];
        let fits = |&((x, y), sensible): &((f32, f32), bool)| sensible && self.admits(x, y, margin);
        slips.into_iter().find(fits).map_or(from, |(spot, _)| spot)
    }

    /// Returns whether no cell that a rectangle overlaps is a cliff or off the map.
    #[inline]
    pub(crate) fn is_open(&self, west: f32, south: f32, east: f32, north: f32) -> bool {
        if !(west >= 0.0 && south >= 0.0) {
            return false;
        }
        let (west, south) = (west as usize, south as usize);
        let (east, north) = (east as usize + 1, north as usize + 1);
        let stride = self.width + 1;
        east <= self.width
            && north <= self.height
            && self.cliffs[north * stride + east] + self.cliffs[south * stride + west]
                == self.cliffs[south * stride + east] + self.cliffs[north * stride + west]
    }

    /// Returns the point nearest to `(x, y)` on the map, `margin` from its edge.
    #[inline]
    pub fn stay_on_map(&self, (x, y): (f32, f32), margin: f32) -> (f32, f32) {
        let (width, height) = (self.width as f32, self.height as f32);
        (x.clamp(margin, width - margin), y.clamp(margin, height - margin))
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
        Terrain::parse(TERRAINS[0].1).expect("the built-in terrain is valid")
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
    fn corners_are_kept_clear_of_in_both_directions() {
        let terrain = Terrain::parse("....\n....\n##..\n##..").expect("a valid terrain");
        // The corner of the cliff is (2, 2).
        assert!(terrain.admits(2.375, 1.0, 0.375));
        assert!(!terrain.admits(2.374, 2.374, 0.375));
        assert!(terrain.admits(2.374, 2.375, 0.375));
        assert!(terrain.clear((1.0, 3.5), (3.5, 1.0), 0.24));
        assert!(!terrain.clear((1.0, 3.5), (3.5, 1.0), 0.26));
        assert!(!terrain.clear((3.5, 1.0), (1.0, 3.5), 0.26));
    }

    #[test]
    fn a_unit_slips_round_a_corner_barely_in_its_way() {
        let terrain = Terrain::parse("....\n....\n##..\n##..").expect("a valid terrain");
        // Straight west, 0.01 too far south to pass over the cliff.
        let (x, y) = terrain.slide((2.38, 2.365), (2.28, 2.365), 0.375);
        assert_eq!((x, y), (2.28, 2.365 + SLIP));
        assert_eq!(terrain.slide((2.38, 2.2), (2.28, 2.2), 0.375), (2.38, 2.2));
    }

    #[test]
    fn a_drawing_with_uneven_rows_is_rejected() {
        assert!(Terrain::parse("..\n.").is_err());
        assert!(Terrain::parse("..\n.x").is_err());
        assert!(Terrain::parse("").is_err());
    }
}
