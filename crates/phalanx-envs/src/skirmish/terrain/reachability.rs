//! Reachability: the connected regions, and the nearest reachable point.

use super::Terrain;

/// The distance by which a nearest point lies inside its part of a cell, if there is room.
const INSIDE: f32 = 1.0 / 128.0;
/// Marks a part where no walker can stand.
const NOWHERE: u8 = u8::MAX;

/// The regions that cliffs separate for walkers of one margin.
///
/// Each cell is divided into nine parts at the margin from its edges, because whether a walker can stand
/// in a part depends only on the neighbouring cells.
#[derive(Clone, Debug)]
pub(crate) struct Regions {
    width: usize,
    height: usize,
    margin: f32,
    /// The region of each part, `[3 y, 3 x]`.
    parts: Vec<u8>,
    /// Candidates for the nearest point, as rectangles (west, south, east, north).
    shores: Vec<[f32; 4]>,
    /// The end of each cell's candidates in `shores`, `[region, y, x]`; they begin at the end of the
    /// previous cell's. A cell that lies entirely in the region has none.
    ends: Vec<u32>,
}

impl Regions {
    pub(crate) fn new(terrain: &Terrain, margin: f32) -> Self {
        let (width, height) = (terrain.width(), terrain.height());
        let mut regions = Self {
            width,
            height,
            margin,
            parts: vec![NOWHERE; 9 * width * height],
            shores: Vec::new(),
            ends: Vec::new(),
        };
        let n = regions.flood(terrain);
        for region in 0..n {
            regions.find_shores(region);
        }
        regions
    }

    /// Returns the region of a point, if a walker can stand there.
    pub(crate) fn region(&self, (x, y): (f32, f32)) -> Option<u8> {
        if !(x >= 0.0 && y >= 0.0 && x < self.width as f32 && y < self.height as f32) {
            return None;
        }
        let part = |at: f32| {
            let cell = at as usize;
            let within = at - cell as f32;
            3 * cell + usize::from(within >= self.margin) + usize::from(within + self.margin >= 1.0)
        };
        let region = self.parts[part(y) * 3 * self.width + part(x)];
        (region != NOWHERE).then_some(region)
    }

    /// Returns the point of a region that is nearest to a point outside it. A point outside the map
    /// counts as the nearest point on the edge.
    pub(crate) fn nearest(&self, region: u8, (x, y): (f32, f32)) -> (f32, f32) {
        let (x, y) = (x.clamp(0.0, self.width as f32), y.clamp(0.0, self.height as f32));
        let (column, row) = ((x as usize).min(self.width - 1), (y as usize).min(self.height - 1));
        let cell = (usize::from(region) * self.height + row) * self.width + column;
        let begin = if cell == 0 { 0 } else { self.ends[cell - 1] as usize };
        let (mut best, mut nearest) = (f32::INFINITY, (x, y));
        for &[west, south, east, north] in &self.shores[begin..self.ends[cell] as usize] {
            let point = (x.clamp(west, east), y.clamp(south, north));
            let (dx, dy) = (point.0 - x, point.1 - y);
            let squared = dx * dx + dy * dy;
            if squared < best {
                (best, nearest) = (squared, point);
            }
        }
        nearest
    }

    /// Returns a part as a rectangle.
    fn rectangle(&self, part: usize) -> [f32; 4] {
        let span = |index: usize| {
            let cuts = [0.0, self.margin, 1.0 - self.margin, 1.0];
            let cell = (index / 3) as f32;
            (cell + cuts[index % 3], cell + cuts[index % 3 + 1])
        };
        let stride = 3 * self.width;
        let ((west, east), (south, north)) = (span(part % stride), span(part / stride));
        [west, south, east, north]
    }

    /// Numbers the regions and returns their count.
    fn flood(&mut self, terrain: &Terrain) -> u8 {
        let stride = 3 * self.width;
        let open: Vec<bool> = (0..self.parts.len())
            .map(|part| {
                let [west, south, east, north] = self.rectangle(part);
                terrain.admits((west + east) / 2.0, (south + north) / 2.0, self.margin)
            })
            .collect();
        let mut n = 0;
        let mut queue = Vec::new();
        for seed in 0..open.len() {
            if !open[seed] || self.parts[seed] != NOWHERE {
                continue;
            }
            self.parts[seed] = n;
            queue.push(seed);
            while let Some(part) = queue.pop() {
                let (x, y) = (part % stride, part / stride);
                let neighbours = [
                    (x > 0, part.wrapping_sub(1)),
                    (x + 1 < stride, part + 1),
                    (y > 0, part.wrapping_sub(stride)),
                    (y + 1 < 3 * self.height, part + stride),
                ];
                for (exists, neighbour) in neighbours {
                    if exists && open[neighbour] && self.parts[neighbour] == NOWHERE {
                        self.parts[neighbour] = n;
                        queue.push(neighbour);
                    }
                }
            }
            n = (n + 1).min(NOWHERE - 1);
        }
        n
    }

    /// Lists, for each cell that is not entirely in a region, the parts of the region that can be
    /// nearest to a point of the cell: those at its boundary whose smallest distance does not exceed the
    /// largest distance of another part.
    fn find_shores(&mut self, region: u8) {
        let stride = 3 * self.width;
        let in_region = |x: usize, y: usize| {
            x < stride && y < 3 * self.height && self.parts[y * stride + x] == region
        };
        let rim: Vec<[f32; 4]> = (0..self.parts.len())
            .filter(|part| {
                let (x, y) = (part % stride, part / stride);
                let near = |i: usize, j: usize| {
                    in_region((x + i).wrapping_sub(1), (y + j).wrapping_sub(1))
                };
                in_region(x, y) && !(0..9).all(|k| near(k % 3, k / 3))
            })
            .map(|part| shrunk(self.rectangle(part)))
            .collect();
        let mut reach = Vec::with_capacity(rim.len());
        for cell in 0..self.width * self.height {
            let (x, y) = (cell % self.width, cell / self.width);
            let whole = (0..9).all(|k| in_region(3 * x + k % 3, 3 * y + k / 3));
            if !whole {
                let (x, y) = (x as f32, y as f32);
                reach.clear();
                reach.extend(rim.iter().map(|&[west, south, east, north]| {
                    let gap = |low: f32, high: f32, at: f32| {
                        // The smallest distance, and the largest distance to the part's nearest point.
                        let nearest = (low - at - 1.0).max(at - high).max(0.0);
                        (nearest, (low - at).max(at + 1.0 - high).max(0.0))
                    };
                    let ((x0, x1), (y0, y1)) = (gap(west, east, x), gap(south, north, y));
                    (x0 * x0 + y0 * y0, x1 * x1 + y1 * y1)
                }));
                let bound = reach.iter().map(|&(_, worst)| worst).fold(f32::INFINITY, f32::min);
                let near = reach.iter().zip(&rim).filter(|((best, _), _)| *best <= bound);
                self.shores.extend(near.map(|(_, shore)| *shore));
            }
            self.ends.push(self.shores.len() as u32);
        }
    }
}

/// Returns a rectangle without its outermost rim, if anything is left.
fn shrunk([west, south, east, north]: [f32; 4]) -> [f32; 4] {
    let span = |low: f32, high: f32| {
        if high - low > 2.0 * INSIDE { (low + INSIDE, high - INSIDE) } else { (low, low) }
    };
    let ((west, east), (south, north)) = (span(west, east), span(south, north));
    [west, south, east, north]
}
