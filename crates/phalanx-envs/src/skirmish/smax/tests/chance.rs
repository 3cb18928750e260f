//! How often players win, with chance, to be held against `record_jaxmarl.py script`.

use super::*;

#[test]
#[allow(clippy::print_stdout)]
#[ignore = "prints numbers to be compared with those of record_jaxmarl.py script"]
fn win_rates_of_the_scripted_and_the_random_player() {
    for name in ["3m", "2s3z", "5m_vs_6m", "3s_vs_5z", "6h_vs_8z", "smacv2_5_units"] {
        for player in ["script", "random"] {
            let mut field = Field::new(name, "");
            let mut random = Rng::stream(2, Purpose::Player, 0);
            let mut actions = vec![0; field.env.spec.n_agents()];
            let (mut won, mut total, mut steps) = (0.0, 0.0, 0.0);
            let episodes = 10_000;
            for _ in 0..episodes {
                field.reset();
                loop {
                    if player == "script" {
                        field.env.scripted(0, &mut random, &mut actions);
                    } else {
                        let masks = field.rows.avail.chunks_exact(field.env.spec.n_actions);
                        for (action, mask) in actions.iter_mut().zip(masks) {
                            *action = random.choose(mask).expect("something is legal") as u16;
                        }
                    }
                    let outcome = field.step(&actions);
                    total += f64::from(outcome.reward);
                    steps += 1.0;
                    if outcome.end.is_over() {
                        break;
                    }
                }
                won += f64::from(field.rows.info[0]);
            }
            let mean = |sum: f64| sum / f64::from(episodes);
            println!(
                "{name} {player}: won {:.3}, return {:.3}, steps {:.1}",
                mean(won),
                mean(total),
                mean(steps)
            );
        }
    }
}
