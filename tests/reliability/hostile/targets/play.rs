//! A little of an environment that was made from hostile arguments.

use phalanx::prelude::*;
use phalanx::rng::Purpose;

/// Plays up to `steps` steps with random available actions.
pub(super) fn play(env: &mut dyn Env, steps: usize) {
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(1, Purpose::TestEnvironment, 0);
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    for _ in 0..steps {
        let masks = rows.avail.chunks_exact(spec.n_actions);
        let actions: Option<Vec<u16>> =
            masks.map(|mask| rng.choose(mask).map(|action| action as u16)).collect();
        // A mask without an action is an error of every collector.
        let Some(actions) = actions else { return };
        if env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0)).status.is_over() {
            env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
        }
    }
}
