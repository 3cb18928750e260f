//! Shortest paths around cliffs.
//!
//! A path bends only at the convex corners of cliffs, moved outwards by the walker's margin. These
//! corners and the straight lines between them form a visibility graph (Lozano-Pérez and Wesley 1979).
//! The distances between all pairs of corners are precomputed (Floyd 1962), so a query only has to
//! connect its two ends to the graph. Visibility of corners is precomputed for cells in which one answer
//! holds for the whole cell.

use super::Terrain;
use super::reachability::Regions;

/// The largest number of corners: the bits of a [`Corners`].
const MOST_CORNERS: usize = 128;
/// The additional distance of corners from the cliff, so that rounding cannot block paths along it.
const SLACK: f32 = 1.0 / 64.0;
/// A walker this near a corner has reached it.
const REACHED: f32 = 1.0 / 256.0;

/// A set of corners, one bit for each.
type Corners = u128;

/// The paths of walkers of all margins.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    narrow: PathGraph,
    wide: PathGraph,
}

impl Paths {
    /// Returns the paths on a terrain; none if the walkable cells form one rectangle.
    ///
    /// # Errors
    ///
    /// The reason, if the cliffs have too many corners.
    pub(crate) fn new(terrain: &Terrain) -> Result<Option<Self>, String> {
        let open = |x: i32, y: i32| terrain.pathable(x, y);
        let (width, height) = (terrain.width() as i32, terrain.height() as i32);
        let cells = || (0..height).flat_map(move |y| (0..width).map(move |x| (x, y)));
        let walkable = || cells().filter(|&(x, y)| open(x, y));
        let west = walkable().map(|(x, _)| x).min().unwrap_or(0);
        let east = walkable().map(|(x, _)| x).max().unwrap_or(0);
        let south = walkable().map(|(_, y)| y).min().unwrap_or(0);
        let north = walkable().map(|(_, y)| y).max().unwrap_or(0);
        if terrain.is_open(west as f32, south as f32, east as f32, north as f32) {
            return Ok(None);
        }
        Ok(Some(Self {
            narrow: PathGraph::new(terrain, 0.375)?,
            wide: PathGraph::new(terrain, 0.5)?,
        }))
    }

    pub(crate) fn for_margin(&self, margin: f32) -> &PathGraph {
        if margin <= self.narrow.margin { &self.narrow } else { &self.wide }
    }
}

/// The paths of walkers of one margin.
#[derive(Clone, Debug)]
pub(crate) struct PathGraph {
    margin: f32,
    corners: Vec<(f32, f32)>,
    /// The length of the shortest path, `[corner, corner]`; infinite if there is none.
    lengths: Vec<f32>,
    /// The next corner on that path, `[corner, corner]`.
    next: Vec<u8>,
    /// The corners that are visible from everywhere in the cell, `[y, x]`.
    seen: Vec<Corners>,
    /// The corners that are visible only from parts of the cell, `[y, x]`.
    perhaps: Vec<Corners>,
    regions: Regions,
}

impl PathGraph {
    fn new(terrain: &Terrain, margin: f32) -> Result<Self, String> {
        let corners = corners(terrain, margin);
        let n = corners.len();
        if n > MOST_CORNERS {
            return Err(format!("the cliffs have {n} corners, more than {MOST_CORNERS}"));
        }
        let (lengths, next) = shortest_ways(terrain, margin, &corners);
        let cells = terrain.width() * terrain.height();
        let mut ways = Self {
            margin,
            lengths,
            next,
            seen: vec![0; cells],
            perhaps: vec![0; cells],
            regions: Regions::new(terrain, margin),
            corners,
        };
        for cell in 0..cells {
            let (x, y) = (cell % terrain.width(), cell / terrain.width());
            let Some(part) = standing_room(terrain, x as i32, y as i32, margin) else {
                continue;
            };
            for (bit, &corner) in ways.corners.iter().enumerate() {
                if sees_all(terrain, part, corner, margin) {
                    ways.seen[cell] |= 1 << bit;
                } else if !is_hidden(terrain, part, corner, margin) {
                    ways.perhaps[cell] |= 1 << bit;
                }
            }
        }
        Ok(ways)
    }

    /// Implements [`Terrain::waypoint`] for a goal that is not visible.
    pub(crate) fn waypoint(
        &self,
        terrain: &Terrain,
        from: (f32, f32),
        to: (f32, f32),
    ) -> (f32, f32) {
        let Some(region) = self.regions.region(from) else {
            return to;
        };
        let mut goal = to;
        if self.regions.region(to) != Some(region) {
            goal = self.regions.nearest(region, to);
            if terrain.clear(from, goal, self.margin) {
                return goal;
            }
        }
        let mut ends = [(0, 0.0); MOST_CORNERS];
        let mut n_ends = 0;
        for end in bits(self.visible(terrain, goal)) {
            ends[n_ends] = (end, distance(self.corners[end], goal));
            n_ends += 1;
        }
        let n = self.corners.len();
        let (mut shortest, mut first, mut last) = (f32::INFINITY, None, 0);
        for start in bits(self.visible(terrain, from)) {
            let begin = distance(from, self.corners[start]);
            for &(end, rest) in &ends[..n_ends] {
                let length = begin + self.lengths[start * n + end] + rest;
                if length < shortest {
                    (shortest, first, last) = (length, Some((start, begin)), end);
                }
            }
        }
        match first {
            None => goal,
            Some((start, begin)) if begin > REACHED => self.corners[start],
            Some((start, _)) if start == last => goal,
            Some((start, _)) => self.corners[usize::from(self.next[start * n + last])],
        }
    }

    /// Returns the corners that are visible from a point.
    fn visible(&self, terrain: &Terrain, from: (f32, f32)) -> Corners {
        let cell = from.1 as usize * terrain.width() + from.0 as usize;
        let visible = |&bit: &usize| terrain.clear(from, self.corners[bit], self.margin);
        let perhaps = bits(self.perhaps[cell]).filter(visible);
        perhaps.fold(self.seen[cell], |seen, bit| seen | 1 << bit)
    }
}

/// Returns the points where paths can bend: outside each convex corner of a cliff.
fn corners(terrain: &Terrain, margin: f32) -> Vec<(f32, f32)> {
    let offset = margin + SLACK;
    let mut corners = Vec::new();
    for y in 1..terrain.height() as i32 {
        for x in 1..terrain.width() as i32 {
            let quadrants = [(-1, -1), (0, -1), (-1, 0), (0, 0)];
            let mut cliffs = quadrants.iter().filter(|(i, j)| !terrain.pathable(x + i, y + j));
            if let (Some(&(i, j)), None) = (cliffs.next(), cliffs.next()) {
                let away = |cliff: i32| if cliff < 0 { offset } else { -offset };
                let corner = (x as f32 + away(i), y as f32 + away(j));
                if terrain.admits(corner.0, corner.1, margin) {
                    corners.push(corner);
                }
            }
        }
    }
    corners
}

/// Returns the length of the shortest path between every two corners, and the next corner on it.
fn shortest_ways(terrain: &Terrain, margin: f32, corners: &[(f32, f32)]) -> (Vec<f32>, Vec<u8>) {
    let n = corners.len();
    let mut lengths = vec![f32::INFINITY; n * n];
    let mut next: Vec<u8> = (0..n * n).map(|pair| (pair % n) as u8).collect();
    for a in 0..n {
        for b in 0..n {
            if terrain.clear(corners[a], corners[b], margin + SLACK / 2.0) {
                lengths[a * n + b] = distance(corners[a], corners[b]);
            }
        }
    }
    for via in 0..n {
        for a in 0..n {
            for b in 0..n {
                let length = lengths[a * n + via] + lengths[via * n + b];
                if length < lengths[a * n + b] {
                    lengths[a * n + b] = length;
                    next[a * n + b] = next[a * n + via];
                }
            }
        }
    }
    (lengths, next)
}

/// Returns a rectangle (west, south, east, north) around all points of a cell where a walker can stand.
fn standing_room(terrain: &Terrain, x: i32, y: i32, margin: f32) -> Option<[f32; 4]> {
    if !terrain.pathable(x, y) {
        return None;
    }
    let kept = |i: i32, j: i32| if terrain.pathable(x + i, y + j) { 0.0 } else { margin };
    let (left, bottom) = (x as f32, y as f32);
    Some([
        left + kept(-1, 0),
        bottom + kept(0, -1),
        left + 1.0 - kept(1, 0),
        bottom + 1.0 - kept(0, 1),
    ])
}

fn vertices([west, south, east, north]: [f32; 4]) -> [(f32, f32); 4] {
    [(west, south), (east, south), (west, north), (east, north)]
}

/// Returns whether every point of a rectangle has a straight path to `corner`: no cliff touches the area
/// that a square sweeps on all these paths. Cell columns are tested one by one, as in
/// [`Terrain::clear`].
fn sees_all(terrain: &Terrain, part: [f32; 4], corner: (f32, f32), margin: f32) -> bool {
    let [west, south, east, north] = part;
    let (start, end) = (west.min(corner.0) - margin, east.max(corner.0) + margin);
    if start < 0.0 {
        return false;
    }
    (start as i32..=end as i32).all(|column| {
        let (first, last) = (column as f32 - margin, column as f32 + 1.0 + margin);
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        if west <= last && east >= first {
            (low, high) = (south, north);
        }
        for (x, y) in vertices(part) {
            let (a, b) = if x <= corner.0 { ((x, y), corner) } else { (corner, (x, y)) };
            let (enter, leave) = (first.max(a.0), last.min(b.0));
            if enter > leave {
                continue;
            }
            if a.0 == b.0 {
                (low, high) = (low.min(a.1.min(b.1)), high.max(a.1.max(b.1)));
                continue;
            }
            for x in [enter, leave] {
                let at = a.1 + (x - a.0) / (b.0 - a.0) * (b.1 - a.1);
                (low, high) = (low.min(at), high.max(at));
            }
        }
        terrain.is_open(column as f32, low - margin, column as f32, high + margin)
    })
}

/// Returns whether one cliff hides `corner` from all of a rectangle: a row or column of cliff cells,
/// grown by the margin, crosses the lines from all four vertices. The region hidden by a convex body is
/// convex, so the cliff then crosses all lines.
fn is_hidden(terrain: &Terrain, part: [f32; 4], corner: (f32, f32), margin: f32) -> bool {
    let middle = ((part[0] + part[2]) / 2.0, (part[1] + part[3]) / 2.0);
    let Some((x, y)) = first_cliff(terrain, middle, corner) else {
        return false;
    };
    let run = |i: i32, j: i32| {
        let cliff = |&k: &i32| {
            terrain.contains(x + k * i, y + k * j) && !terrain.pathable(x + k * i, y + k * j)
        };
        (1..).take_while(cliff).count() as f32
    };
    let (x, y) = (x as f32, y as f32);
    let row = [x - run(-1, 0), y, x + 1.0 + run(1, 0), y + 1.0];
    let column = [x, y - run(0, -1), x + 1.0, y + 1.0 + run(0, 1)];
    [row, column].into_iter().any(|[west, south, east, north]| {
        let grown = [west - margin, south - margin, east + margin, north + margin];
        vertices(part).into_iter().all(|vertex| crosses(vertex, corner, grown))
    })
}

/// Returns the first cliff cell under the straight line from one point to another.
fn first_cliff(terrain: &Terrain, from: (f32, f32), to: (f32, f32)) -> Option<(i32, i32)> {
    let steps = (distance(from, to) * 4.0) as i32;
    let cells = (0..=steps).map(|step| {
        let share = step as f32 / steps.max(1) as f32;
        let (x, y) = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
        (x as i32, y as i32)
    });
    cells.into_iter().find(|&(x, y)| !terrain.pathable(x, y))
}

/// Returns whether the straight line between two points enters a rectangle by more than a rounding
/// error.
fn crosses(a: (f32, f32), b: (f32, f32), [west, south, east, north]: [f32; 4]) -> bool {
    let (mut enter, mut leave) = (0.0_f32, 1.0_f32);
    for (from, to, low, high) in [(a.0, b.0, west, east), (a.1, b.1, south, north)] {
        let (low, high) = (low + 1e-4, high - 1e-4);
        if from == to {
            if from <= low || from >= high {
                return false;
            }
            continue;
        }
        let (s, t) = ((low - from) / (to - from), (high - from) / (to - from));
        enter = enter.max(s.min(t));
        leave = leave.min(s.max(t));
    }
    enter < leave
}

fn bits(mut set: Corners) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = set.trailing_zeros() as usize;
        set &= set.wrapping_sub(1);
        (bit < MOST_CORNERS).then_some(bit)
    })
}

fn distance(a: (f32, f32), b: (f32, f32)) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    (dx * dx + dy * dy).sqrt()
}
