//! Passes, shots and slides: from the button to the request.

use super::super::Match;
use super::super::player::Body;
use super::super::state::{Command, GameMode, Kick, KickRequest, PlayerId};
use super::{Button, Controller, Wish, possession};

/// The milliseconds of a frame.
const FRAME: u16 = 10;
/// The longest time that a button counts as pressed, in milliseconds.
const FULL: u16 = 1000;
/// The time after which a kick is made although its button is still pressed, in milliseconds.
const EARLY: u16 = 500;
/// How long a released button waits for the ball, in milliseconds.
const PATIENCE: u16 = 2000;

/// Counts the time for which a button is pressed, and begins its action.
///
/// With less of the ball than the opponents only the button of a slide counts, otherwise only those
/// of kicks. What counts is `possession - 1`, plus 0.15 for a short pass, a long pass or a shot,
/// minus 0.15 for a slide, plus 0.2 if the ball is higher than 1.5 m; the player that is expected
/// to play the ball always kicks.
pub(super) fn process(game: &Match, id: PlayerId, controller: &mut Controller) {
    let may = game.in_play() || game.referee.taker == Some(id);
    if let (None, Some(button), true) = (controller.pending, controller.button, may) {
        let context = if game.main == id {
            1.0
        } else {
            let lean = match button {
                Button::Kick(Kick::HighPass) => 0.0,
                Button::Kick(_) => 0.15,
                Button::Slide => -0.15,
            };
            let air = if game.ball.height > 1.5 { 0.2 } else { 0.0 };
            possession(game, id) - 1.0 + lean + air
        };
        let allowed = match button {
            Button::Slide => context < 0.0 && game.in_play(),
            Button::Kick(Kick::HighPass | Kick::Shot) if game.mode == GameMode::ThrowIn => false,
            Button::Kick(_) => context >= 0.0,
        };
        if allowed {
            controller.pending = Some(button);
        }
    }
    if let Some(Button::Kick(_)) = controller.pending {
        if controller.button == controller.pending {
            controller.gauge = (controller.gauge + FRAME).min(FULL);
            controller.released = 0;
        } else {
            controller.released = controller.released.saturating_add(FRAME);
        }
    }
}

/// Adds the pending action to the command.
///
/// A kick is requested once its button is released, or has been pressed for half a second, or the
/// player loses the ball; it is given up after 2 s, or if a short pass is pressed before a high
/// pass or a shot begins.
///
/// `wish` is what the agent holds, if it is known already.
pub(super) fn request(
    game: &Match,
    id: PlayerId,
    wish: Option<Wish>,
    controller: &mut Controller,
    command: &mut Command,
) {
    let Some(pending) = controller.pending else { return };
    let player = game.player(id);
    let held = controller.button == Some(pending);
    let kick = match (pending, player.body) {
        (Button::Slide, Body::Slide { .. }) => return controller.forget(),
        (Button::Slide, _) if !held => return controller.forget(),
        (Button::Slide, _) => {
            let wish = wish.unwrap_or_else(|| Wish::of(game, id, controller));
            command.slide = true;
            command.direction = wish.direction;
            command.speed = wish.speed;
            command.facing = wish.direction;
            return;
        }
        (Button::Kick(_), Body::FollowThrough { .. }) => return controller.forget(),
        (Button::Kick(_), Body::WindUp { .. }) => return,
        (Button::Kick(kick), _) => kick,
    };
    if game.in_play() {
        let short = controller.button == Some(Button::Kick(Kick::ShortPass));
        let cancelled = short && matches!(kick, Kick::HighPass | Kick::Shot);
        if cancelled || controller.released > PATIENCE {
            return controller.forget();
        }
    }
    let lost = !player.has_possession && game.in_play() && controller.released > 0;
    if !held || controller.gauge > EARLY || lost {
        let wish = wish.unwrap_or_else(|| Wish::of(game, id, controller));
        let gauge = f32::from(controller.gauge) / f32::from(FULL);
        let request =
            KickRequest { kick, direction: wish.direction, gauge, target: None, aimed: false };
        command.kick = Some(request);
    }
}

impl Controller {
    /// Returns whether a kick waits for the ball or its button is pressed.
    pub(super) fn wants_to_kick(&self) -> bool {
        matches!(self.pending, Some(Button::Kick(_)))
    }

    /// Returns whether the button of the pending action is pressed.
    pub(super) fn holds_button(&self) -> bool {
        self.pending.is_some() && self.button == self.pending
    }
}
