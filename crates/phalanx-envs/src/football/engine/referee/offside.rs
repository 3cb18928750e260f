//! Offside: marked when a team touches the ball, an offence when a marked player is the next to
//! touch it.

use super::super::Match;
use super::super::pitch::HALF_LENGTH;
use super::super::state::{GameMode, PlayerId};
use super::Restart;

/// Returns a free kick if a player that was offside at the touch before has touched the ball.
pub(super) fn judge(game: &Match, toucher: PlayerId) -> Option<Restart> {
    let (team, marked) = game.referee.offside;
    let others = 1 - usize::from(toucher.team);
    let offence = game.setup.offsides
        && team == toucher.team
        && marked & (1 << toucher.index) != 0
        && players_left(game, others) > 1;
    let position = game.player(toucher).position;
    offence.then_some(Restart { mode: GameMode::FreeKick, team: others, position })
}

/// Marks the mates of the player that touched the ball last who are beyond the second-deepest
/// opponent, the ball and the half line. From throw-ins and corners (`counts` is false) nobody is
/// offside.
pub(super) fn mark(game: &mut Match, counts: bool) {
    game.referee.offside = (0, 0);
    let (true, true, Some(touch)) = (game.setup.offsides, counts, game.last_touch) else { return };
    let team = usize::from(touch.player.team);
    let attack = Match::attack(team);
    let [mut deepest, mut second] = [f32::MIN; 2];
    for opponent in &game.players[1 - team][..game.counts[1 - team]] {
        let depth = opponent.position.x * attack;
        if !opponent.on_pitch {
            continue;
        }
        if depth > deepest {
            (deepest, second) = (depth, deepest);
        } else {
            second = second.max(depth);
        }
    }
    let line = second.max(game.ball.position.x * attack).clamp(0.0, HALF_LENGTH);
    let mut marked = 0;
    for (index, player) in game.players[team][..game.counts[team]].iter().enumerate() {
        let other = index != usize::from(touch.player.index);
        if other && player.on_pitch && player.position.x * attack > line {
            marked |= 1 << index;
        }
    }
    game.referee.offside = (team as u8, marked);
}

fn players_left(game: &Match, team: usize) -> usize {
    game.players[team].iter().filter(|player| player.on_pitch).count()
}
