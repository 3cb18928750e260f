//! The original's `extracted` planes: left team, right team, ball and the agent's player on 72 × 96
//! cells.

use serde::{Deserialize, Serialize};

use super::super::args::MAX_STACK;
use super::super::view::View;
use crate::football::engine::state::TEAM_SIZE;

/// Rows of a plane, across the pitch.
const ROWS: usize = 72;
/// Columns of a plane, along the pitch.
const COLUMNS: usize = 96;
/// The planes.
const PLANES: usize = 4;
/// The length of one frame, `[row, column, plane]`.
pub(super) const LEN: usize = ROWS * COLUMNS * PLANES;
/// Marks an empty place in a list of cells.
const NONE: u16 = u16::MAX;

/// The marked cells of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Marks {
    players: [[u16; TEAM_SIZE]; 2],
    ball: u16,
    /// The cells of the agents' players, `[agent]`.
    active: [u16; TEAM_SIZE],
}

const BLANK: Marks =
    Marks { players: [[NONE; TEAM_SIZE]; 2], ball: NONE, active: [NONE; TEAM_SIZE] };

/// The last frames, the newest last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct Frames([Marks; MAX_STACK]);

impl Default for Frames {
    fn default() -> Self {
        Self([BLANK; MAX_STACK])
    }
}

impl Frames {
    /// Begins an episode: all frames show the same.
    pub(in super::super) fn begin(&mut self, view: &View) {
        self.0 = [marks(view); MAX_STACK];
    }

    /// Adds a frame.
    pub(in super::super) fn push(&mut self, view: &View) {
        self.0.rotate_left(1);
        self.0[MAX_STACK - 1] = marks(view);
    }

    /// Writes the last `stack` frames, `[row, column, frame, plane]`, with ones in marked cells.
    pub(super) fn write(&self, agent: usize, stack: usize, obs: &mut [f32]) {
        obs.fill(0.0);
        for (number, frame) in self.0[MAX_STACK - stack..].iter().enumerate() {
            let mut mark = |cell: u16, plane: usize| {
                if cell != NONE {
                    obs[(usize::from(cell) * stack + number) * PLANES + plane] = 1.0;
                }
            };
            for (plane, players) in frame.players.iter().enumerate() {
                players.iter().for_each(|&cell| mark(cell, plane));
            }
            mark(frame.ball, 2);
            mark(frame.active[agent], 3);
        }
    }
}

/// Returns the cell of a place: column `⌊48 (x + 1)⌋` and row `⌊81 (y + 1/2.25)⌋`, both clamped, as
/// a number.
fn cell([x, y]: [f32; 2]) -> u16 {
    // The original truncates towards zero before it clamps, which is the same as rounding down
    // here.
    let column = ((f64::from(x) + 1.0) / 2.0 * COLUMNS as f64) as i32;
    let row = ((f64::from(y) + 1.0 / 2.25) / (2.0 / 2.25) * ROWS as f64) as i32;
    let (column, row) = (column.clamp(0, COLUMNS as i32 - 1), row.clamp(0, ROWS as i32 - 1));
    (row as usize * COLUMNS + column as usize) as u16
}

fn marks(view: &View) -> Marks {
    let mut marks = BLANK;
    for team in 0..2 {
        for (mark, player) in
            marks.players[team].iter_mut().zip(&view.players[team]).take(view.counts[team])
        {
            *mark = cell(player.position);
        }
    }
    // The original reads the ball's numbers in pairs and drops the height.
    marks.ball = cell(view.ball_place());
    for (mark, active) in marks.active.iter_mut().zip(&view.active) {
        if let Some(index) = active {
            *mark = marks.players[0][usize::from(*index)];
        }
    }
    marks
}

/// Returns one text per index.
pub(super) fn describe(stack: usize) -> Vec<String> {
    let names = ["left team", "right team", "ball", "the agent's player"];
    let mut texts = Vec::with_capacity(LEN * stack);
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            for age in (0..stack).rev() {
                for name in names {
                    let when = if age == 0 { String::new() } else { format!(", {age} steps ago") };
                    texts.push(format!("row {row}, column {column}{when}: {name}"));
                }
            }
        }
    }
    texts
}
