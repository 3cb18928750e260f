//! Assigning players to places.

use crate::football::engine::state::TEAM_SIZE;

/// The cost of a pair that is not allowed.
const FORBIDDEN: i32 = 50_000;
/// The steps in which the longest allowed way grows, counted in pairs.
const STEP: usize = 5;

/// Assigns each of `count` players (rows) a place (column); `costs[row][column]` are ways in tenths of a metre.
///
/// The longest way is made as short as possible first, in steps of five pairs in order of length; among the assignments
/// that are left, the sum of the ways is the least.
pub fn assign(costs: &[[i32; TEAM_SIZE]; TEAM_SIZE], count: usize) -> [usize; TEAM_SIZE] {
    let mut assignment = std::array::from_fn(|index| index);
    if count < 2 {
        return assignment;
    }
    let mut sorted = [0; TEAM_SIZE * TEAM_SIZE];
    let total = count * count;
    for row in 0..count {
        sorted[row * count..(row + 1) * count].copy_from_slice(&costs[row][..count]);
    }
    sorted[..total].sort_unstable();
    // Binary search over the thresholds at count, count + STEP, ….
    let steps = (total - count).div_ceil(STEP);
    let (mut low, mut high) = (0, steps - 1);
    while low < high {
        let middle = usize::midpoint(low, high);
        if matches_all(costs, count, sorted[count + middle * STEP]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    shortest(costs, count, sorted[count + low * STEP], &mut assignment);
    assignment
}

/// Returns whether all rows can be matched with pairs below a limit.
fn matches_all(costs: &[[i32; TEAM_SIZE]; TEAM_SIZE], count: usize, limit: i32) -> bool {
    let mut allowed = [0u16; TEAM_SIZE];
    for row in 0..count {
        for (column, &cost) in costs[row][..count].iter().enumerate() {
            if cost < limit {
                allowed[row] |= 1 << column;
            }
        }
    }
    let mut owner = [None; TEAM_SIZE];
    (0..count).all(|row| {
        let mut seen = 0;
        augment(&allowed, row, &mut seen, &mut owner)
    })
}

/// Finds a free column for a row, moving other rows if needed.
fn augment(
    allowed: &[u16; TEAM_SIZE],
    row: usize,
    seen: &mut u16,
    owner: &mut [Option<usize>; TEAM_SIZE],
) -> bool {
    loop {
        let open = allowed[row] & !*seen;
        if open == 0 {
            return false;
        }
        let column = open.trailing_zeros() as usize;
        *seen |= 1 << column;
        if owner[column].is_none_or(|other| augment(allowed, other, seen, owner)) {
            owner[column] = Some(row);
            return true;
        }
    }
}

/// Solves the assignment with the least sum (the Hungarian method with potentials).
fn shortest(
    costs: &[[i32; TEAM_SIZE]; TEAM_SIZE],
    count: usize,
    limit: i32,
    assignment: &mut [usize; TEAM_SIZE],
) {
    const NONE: usize = TEAM_SIZE;
    let cost = |row: usize, column: usize| {
        let cost = costs[row][column];
        if cost >= limit { FORBIDDEN } else { cost }
    };
    let mut row_potential = [0; TEAM_SIZE];
    let mut column_potential = [0; TEAM_SIZE + 1];
    let mut owner = [NONE; TEAM_SIZE + 1];
    for row in 0..count {
        let mut best = [i32::MAX; TEAM_SIZE];
        let mut before = [NONE; TEAM_SIZE];
        let mut done = [false; TEAM_SIZE + 1];
        let mut column = NONE;
        owner[NONE] = row;
        loop {
            done[column] = true;
            let current = owner[column];
            let (mut step, mut next) = (i32::MAX, NONE);
            for other in 0..count {
                if done[other] {
                    continue;
                }
                let reduced =
                    cost(current, other) - row_potential[current] - column_potential[other];
                if reduced < best[other] {
                    best[other] = reduced;
                    before[other] = column;
                }
                if best[other] < step {
                    (step, next) = (best[other], other);
                }
            }
            for other in (0..count).chain([NONE]) {
                if done[other] {
                    row_potential[owner[other]] += step;
                    column_potential[other] -= step;
                } else {
                    best[other] -= step;
                }
            }
            column = next;
            if owner[column] == NONE {
                break;
            }
        }
        while column != NONE {
            owner[column] = owner[before[column]];
            column = before[column];
        }
    }
    for column in 0..count {
        assignment[owner[column]] = column;
    }
}
