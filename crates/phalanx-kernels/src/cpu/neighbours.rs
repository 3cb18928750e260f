//! Neighbours among the entities of one row.

use crate::entities::{EntityIndices, Graph};

/// Writes 1 for neighbours and otherwise 0 to `matrix`, `[entity, padded]`, for the present entities
/// of `list`. `distances` is scratch of the same size.
#[inline(always)]
pub(crate) fn neighbours(
    graph: Graph,
    entities: &EntityIndices,
    obs: &[f32],
    list: &[u16],
    padded: usize,
    [matrix, distances]: [&mut [f32]; 2],
) {
    let n = list.len();
    for (i, line) in matrix.chunks_exact_mut(padded).take(n).enumerate() {
        line.fill(0.0);
        match graph {
            Graph::Complete => line[..n].fill(1.0),
            _ => line[i] = 1.0,
        }
    }
    if graph == Graph::Complete {
        return;
    }
    for i in 0..n {
        let [x, y] = entities.position(obs, list[i] as usize);
        for j in 0..i {
            let [to_x, to_y] = entities.position(obs, list[j] as usize);
            let square = (x - to_x) * (x - to_x) + (y - to_y) * (y - to_y);
            distances[i * padded + j] = square;
            distances[j * padded + i] = square;
        }
    }
    for i in 0..n {
        let row = &distances[i * padded..][..n];
        let mut join = |j: usize| {
            matrix[i * padded + j] = 1.0;
            matrix[j * padded + i] = 1.0;
        };
        match graph {
            Graph::Complete => {}
            Graph::Radius(radius) => {
                (0..n).filter(|&j| j != i && row[j] <= radius * radius).for_each(join);
            }
            Graph::Nearest(most) => {
                // The entity found last, so that each search continues after it.
                let mut after = (f32::NEG_INFINITY, 0);
                for _ in 0..most {
                    let later = (0..n).filter(|&j| j != i).map(|j| (row[j], j));
                    let later = later.filter(|&next| next > after);
                    let Some(next) = later.reduce(|a, b| if b < a { b } else { a }) else { break };
                    join(next.1);
                    after = next;
                }
            }
        }
    }
}
