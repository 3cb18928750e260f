//! Which player a controller holds.

use super::super::Match;
use super::super::state::{PlayerId, Role};
use super::super::vec2::Vec2;

/// Lets the controllers of a team jump to the players that need one.
///
/// The controller of the player that is expected to play the ball loses its turn. If no agent
/// commands the team's designated outfield player, and it has the ball alone, takes a restart, or
/// needs less than a third of the time to the ball that commanded players need, the controller
/// whose turn it is takes it.
pub(super) fn update(game: &mut Match, team: usize) {
    if !game.control.fixed {
        let count = game.control.counts[team];
        let first = game.control.turns[team][0];
        let main = game.main;
        let holds_main = usize::from(main.team) == team
            && game.control.controllers[team][usize::from(first)].player == Some(main.index);
        if count > 1 && holds_main {
            end_turn(game, team);
        }
        let designated = PlayerId { team: team as u8, index: game.designated[team] };
        let needs = |game: &Match| {
            let player = game.player(designated);
            player.on_pitch && !player.is_commanded_by_agent() && player.role != Role::Goalkeeper
        };
        if needs(game) && 3.0 * game.player(designated).time_to_ball < shortest_time(game, team) {
            hand_over(game, designated);
        }
        if needs(game) && (game.has_unique_possession(designated) || !game.in_play()) {
            hand_over(game, designated);
        }
    }
    select_anyone(game, team);
}

/// Gives a player to the controller of its team whose turn it is, unless it has one, and makes it
/// the team's designated player. Bodies call this for the target of a pass.
pub fn hand_over(game: &mut Match, id: PlayerId) {
    let team = usize::from(id.team);
    if game.player(id).controllable && !game.control.fixed {
        game.control.selected[team] = Some(id.index);
        if game.player(id).agent.is_none() && game.control.counts[team] > 0 {
            take(game, team, usize::from(game.control.turns[team][0]), id.index);
            end_turn(game, team);
        }
    }
    game.designated[team] = id.index;
}

/// Takes their players from the controllers of a team at a whistle, so that they choose anew, if
/// they switch at all.
pub fn let_go(game: &mut Match, team: usize) {
    if may_switch(game, team) {
        for controller in &mut game.control.controllers[team] {
            controller.player = None;
        }
        tell_players(game, team);
    }
    game.control.selected[team] = None;
}

/// Takes a player that leaves the pitch from its controller.
pub fn release(game: &mut Match, id: PlayerId) {
    let Some(agent) = game.player_mut(id).agent.take() else { return };
    game.player_mut(id).builtin = false;
    let team = usize::from(id.team);
    game.control.controllers[team][usize::from(agent)].player = None;
    let other = nearest_free(game, team, game.player(id).position);
    if let Some(other) = other.filter(|_| !game.control.fixed) {
        take(game, team, usize::from(agent), other);
    }
}

/// Returns whether the controllers of a team change players: not if there is one for every player
/// that may be held.
pub fn may_switch(game: &Match, team: usize) -> bool {
    let players = &game.setup.players[team][..game.setup.counts[team]];
    let controllable = players.iter().filter(|player| player.controllable).count();
    !game.control.fixed && game.control.counts[team] < controllable
}

/// Records with the players which controllers hold them.
pub(super) fn tell_players(game: &mut Match, team: usize) {
    for player in &mut game.players[team] {
        player.agent = None;
        player.builtin = false;
    }
    for agent in 0..game.control.counts[team] {
        let controller = game.control.controllers[team][agent];
        if let Some(index) = controller.player {
            let player = &mut game.players[team][usize::from(index)];
            player.agent = Some(agent as u8);
            player.builtin = controller.builtin;
        }
    }
}

fn end_turn(game: &mut Match, team: usize) {
    let count = game.control.counts[team];
    game.control.turns[team][..count].rotate_left(1);
}

/// Lets a controller hold another player.
fn take(game: &mut Match, team: usize, agent: usize, index: u8) {
    let controller = &mut game.control.controllers[team][agent];
    controller.player = Some(index);
    controller.switched = Some(game.frame);
    controller.fresh = true;
    controller.forget();
    tell_players(game, team);
}

/// Gives every controller without a player the free one that is nearest to the ball.
fn select_anyone(game: &mut Match, team: usize) {
    let ball = game.ball.position;
    if game.control.selected[team].is_none() {
        game.control.selected[team] = nearest_free(game, team, ball);
    }
    if game.control.fixed {
        return;
    }
    for agent in 0..game.control.counts[team] {
        if game.control.controllers[team][agent].player.is_none() {
            let Some(index) = nearest_free(game, team, ball) else { return };
            take(game, team, agent, index);
        }
    }
}

/// Returns the player nearest to a place that a controller may take.
fn nearest_free(game: &Match, team: usize, place: Vec2) -> Option<u8> {
    let players = &game.players[team][..game.counts[team]];
    let free = (0..players.len()).filter(|&index| {
        let player = &players[index];
        player.on_pitch && player.controllable && player.agent.is_none()
    });
    let distance = |index: &usize| (players[*index].position - place).length_squared();
    free.min_by(|a, b| distance(a).total_cmp(&distance(b))).map(|index| index as u8)
}

/// Returns the shortest time to the ball of the players that agents command.
fn shortest_time(game: &Match, team: usize) -> f32 {
    let players = &game.players[team][..game.counts[team]];
    let commanded =
        players.iter().filter(|player| player.on_pitch && player.is_commanded_by_agent());
    commanded.map(|player| player.time_to_ball).fold(10.0, f32::min)
}
