//! Movement, and the edges of the map.

use super::battle::{Battle, FAR};
use super::collision::ROUNDING;
use super::simd::{LANES, Numbers, groups, groups_mut};

impl Battle {
    /// Moves all units within the map. Returns whether a unit touches the edge and must die.
    pub(crate) fn move_units(&mut self) -> bool {
        let n = self.n_groups;
        self.room -= self.fastest;
        if self.room > 0.0 {
            let axes = [(&mut self.x, &self.stride_x), (&mut self.y, &self.stride_y)];
            for (positions, strides) in axes {
                for (position, stride) in
                    groups_mut(positions, n).iter_mut().zip(groups(strides, n))
                {
                    for lane in 0..LANES {
                        position[lane] += stride[lane];
                    }
                }
            }
            return false;
        }
        let across =
            move_along(groups_mut(&mut self.x, n), &self.stride_x, &self.away, self.args.map_width);
        let up = move_along(
            groups_mut(&mut self.y, n),
            &self.stride_y,
            &self.away,
            self.args.map_height,
        );
        let room = across.min(up);
        self.room = room - ROUNDING;
        let at_edge = room <= 0.0;
        if at_edge {
            // A unit may have been pushed back by more than a stride.
            self.slack = 0.0;
        }
        at_edge && self.args.walls_cause_death
    }
}

/// Moves all units along one axis, within 0 and `limit`. Returns the smallest distance of living units
/// from these edges.
fn move_along(
    positions: &mut [[f32; LANES]],
    strides: &Numbers,
    away: &Numbers,
    limit: f32,
) -> f32 {
    let n = positions.len();
    let mut nearest = [FAR; LANES];
    let rest = groups(strides, n).iter().zip(groups(away, n));
    for (positions, (strides, away)) in positions.iter_mut().zip(rest) {
        for lane in 0..LANES {
            let moved = positions[lane] + strides[lane];
            let below = if moved < limit { moved } else { limit };
            let inside = if below > 0.0 { below } else { 0.0 };
            positions[lane] = inside;
            let beyond = limit - inside;
            let room = (if inside < beyond { inside } else { beyond }) + away[lane];
            nearest[lane] = if room < nearest[lane] { room } else { nearest[lane] };
        }
    }
    nearest.iter().fold(FAR, |least, &room| least.min(room))
}
