use super::*;
use phalanx_core::rng::Purpose;

fn mirror(name: &str, battles: u32) -> (u32, u32) {
    let map = Map::named(name).expect("m");
    let mut battle = Battle::new(&map, &SkirmishArgs::default());
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    let (mut w, mut d, mut lost) = (0, 0, 0);
    for _ in 0..battles {
        battle.deploy(&map, &mut rng);
        for i in 0..battle.n_allies {
            if map.allies.len() == map.enemies.len() {
                battle.units.x[i] = 32.0 - map.enemies[i].x + rng.range(-0.05, 0.05);
                battle.units.y[i] = map.enemies[i].y + rng.range(-0.05, 0.05);
            }
            battle.units.order[i] = Order::AttackMove { x: 23.0, y: 16.0 };
        }
        for _ in 0..2000 {
            battle.advance(&mut rng);
            let a = battle.any_alive(0..battle.n_allies);
            let e = battle.any_alive(battle.n_allies..battle.len());
            if !a || !e {
                if a {
                    w += 1
                }
                if !a && e {
                    lost += 1
                }
                if !a && !e {
                    d += 1
                }
                break;
            }
        }
    }
    eprintln!("lost {lost}");
    (w, d)
}

#[test]
fn tmp() {
    for (name, _) in MAPS {
        eprintln!("{name} {:?}", mirror(name, 400));
    }
}
#[test]
fn tmp2() {
    let map = Map::named("25m").expect("m");
    let args = SkirmishArgs { deterministic: true, start_scatter: true, ..Default::default() };
    let mut battle = Battle::new(&map, &args);
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    battle.deploy(&map, &mut rng);
    for i in 0..25 {
        battle.units.order[i] = Order::AttackMove { x: 23.0, y: 16.0 };
        battle.units.x[i] = 32.0 - battle.units.x[25 + i];
        battle.units.y[i] = battle.units.y[25 + i];
    }
    for t in 0..600 {
        battle.advance(&mut rng);
        for i in 0..25 {
            let dx = battle.units.x[i] + battle.units.x[25 + i] - 32.0;
            let dy = battle.units.y[i] - battle.units.y[25 + i];
            if dx.abs() > 1e-2
                || dy.abs() > 1e-2
                || battle.units.health[i] != battle.units.health[25 + i]
            {
                let u = &battle.units;
                panic!(
                    "t {t} i {i} {dx} {dy} pos {} {} other {} {} h {} {} target {} {} side {} {} walks",
                    u.x[i],
                    u.y[i],
                    u.x[i + 25],
                    u.y[i + 25],
                    u.health[i],
                    u.health[i + 25],
                    u.target[i],
                    u.target[i + 25],
                    u.side[i],
                    u.side[i + 25]
                );
            }
        }
    }
}
#[test]
fn tmp3() {
    let map = Map::named("25m").expect("m");
    let args = SkirmishArgs::default();
    let mut battle = Battle::new(&map, &args);
    for seed in 0..6 {
        let mut rng = Rng::stream(seed, Purpose::Check, 0);
        battle.deploy(&map, &mut rng);
        for i in 0..25 {
            battle.units.order[i] = Order::AttackMove { x: 23.0, y: 16.0 };
        }
        let mut t = 0;
        while t < 2000 && battle.any_alive(0..25) && battle.any_alive(25..50) {
            battle.advance(&mut rng);
            t += 1;
            if t == 150 {
                eprintln!(
                    "seed {seed} t {t} engaged {} {} alive {} {}",
                    (0..25).filter(|&i| battle.engaged[i]).count(),
                    (25..50).filter(|&i| battle.engaged[i]).count(),
                    (0..25).filter(|&i| battle.units.alive(i)).count(),
                    (25..50).filter(|&i| battle.units.alive(i)).count()
                );
            }
        }
        eprintln!("seed {seed} t {t}");
        for i in 0..50 {
            let u = &battle.units;
            if u.alive(i) {
                eprint!(
                    "{i}:({:.2},{:.2}) t{} s{} e{} | ",
                    u.x[i], u.y[i], u.target[i], u.side[i], battle.engaged[i]
                );
            }
        }
        eprintln!();
    }
}
