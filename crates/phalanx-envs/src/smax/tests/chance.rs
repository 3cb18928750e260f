//! With random rules, which cannot be replayed, policies perform as in JaxMARL.

use super::*;

/// Episodes of each row of [`JAXMARL`].
const THEIRS: f64 = 2000.0;
/// Episodes played here for each row.
const OURS: usize = 2000;
/// Scenario, policy, share of battles won, mean return and mean steps: printed by
/// `record_jaxmarl.py script 2000`.
const JAXMARL: [(&str, &str, [f64; 3]); 12] = [
    ("3m", "script", [0.492, 1.398, 13.9]),
    ("3m", "random", [0.0, 0.180, 17.8]),
    ("2s3z", "script", [0.482, 1.398, 71.2]),
    ("2s3z", "random", [0.0, 0.205, 53.9]),
    ("5m_vs_6m", "script", [0.002, 0.570, 12.4]),
    ("5m_vs_6m", "random", [0.0, 0.140, 18.1]),
    ("3s_vs_5z", "script", [0.0, 0.299, 32.1]),
    ("3s_vs_5z", "random", [0.0, 0.215, 42.1]),
    ("6h_vs_8z", "script", [0.0, 0.620, 27.4]),
    ("6h_vs_8z", "random", [0.0, 0.325, 35.6]),
    ("smacv2_5_units", "script", [0.491, 1.349, 36.0]),
    ("smacv2_5_units", "random", [0.001, 0.255, 35.8]),
];

/// Plays one episode. Returns whether it was won, its return, and its number of steps.
fn episode(field: &mut Field, policy: &str, random: &mut Rng) -> [f64; 3] {
    let mut actions = vec![0; field.env.spec.n_agents()];
    let (mut total, mut steps) = (0.0, 0.0);
    field.reset();
    loop {
        if policy == "script" {
            field.env.scripted_actions(0, &field.rows.avail, random, &mut actions);
        } else {
            let masks = field.rows.avail.chunks_exact(field.env.spec.n_actions);
            for (action, mask) in actions.iter_mut().zip(masks) {
                *action = random.choose(mask).expect("an action is available") as u16;
            }
        }
        let outcome = field.step(&actions);
        total += f64::from(outcome.reward);
        steps += 1.0;
        if outcome.status.is_over() {
            return [f64::from(field.rows.info[0]), total, steps];
        }
    }
}

#[test]
fn policies_perform_as_in_jaxmarl() {
    for (name, policy, theirs) in JAXMARL {
        let mut field = Field::new(name, "");
        let mut random = Rng::stream(2, Purpose::ScriptedPolicy, 0);
        let mut sums = [[0.0; 2]; 3];
        for _ in 0..OURS {
            let numbers = episode(&mut field, policy, &mut random);
            for (sum, number) in sums.iter_mut().zip(numbers) {
                *sum = [sum[0] + number, sum[1] + number * number];
            }
        }
        let n = OURS as f64;
        for ((what, theirs), [sum, squares]) in
            ["won", "return", "steps"].into_iter().zip(theirs).zip(sums)
        {
            let mean = sum / n;
            // Both means are sampled; JaxMARL's are printed to the last digit given.
            let variance = (squares / n - mean * mean).max(1.0 / n);
            let error = (variance * (1.0 / n + 1.0 / THEIRS)).sqrt();
            let rounding = if what == "steps" { 0.05 } else { 0.0005 };
            let allowed = 4.0 * error + rounding;
            assert!((mean - theirs).abs() <= allowed, "{name}, {policy}: {what} {mean}");
        }
    }
}
