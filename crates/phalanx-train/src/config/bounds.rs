//! The largest values of all keys, in one list, checked before anything is allocated.

use phalanx_core::settings::{Check, InvalidSetting};
use toml::{Table, Value};

/// A number of environment steps, episodes or updates that no run reaches.
const NEVER: i64 = 1_000_000_000_000_000;
/// The widest layer of a network: every key that ends with `_dim` or `_embed`, and widths of encoders.
const WIDEST: i64 = 16_384;
/// The largest number of layers, heads or neighbours of an encoder.
const MOST_PARTS: i64 = 1024;

/// The largest value of each other key that has one.
const LARGEST: [(&str, i64); 22] = [
    ("threads", 1024),
    ("test_nepisode", 1_000_000),
    ("batch_size_run", 65_536),
    ("rollout_steps", 1_000_000),
    ("epochs", 10_000),
    ("num_mini_batch", 1_000_000),
    ("data_chunk_length", 1_000_000),
    ("updates_per_rollout", 1_000_000),
    ("batch_size", 1_000_000),
    ("batch_steps", 1_000_000),
    ("buffer_size", 1_000_000_000),
    ("n_step", 1_000_000),
    ("obs_frames", 1000),
    ("hypernet_layers", 64),
    ("adv_hypernet_layers", 64),
    ("n_attention_head", 1024),
    ("num_kernel", 1024),
    ("search_starts", 1_000_000),
    ("search_sweeps", 1_000_000),
    ("train_interval", 1_000_000_000),
    // Checked elsewhere: any 63-bit number.
    ("seed", i64::MAX),
    ("buffer_mem", i64::MAX),
];

/// Returns the settings of a run and its algorithm that are larger than any machine or network allows, and numbers
/// that are not finite.
pub(crate) fn invalid(table: &Table) -> Vec<InvalidSetting> {
    let mut check = Check::default();
    for (key, value) in table {
        match (key.as_str(), value) {
            // Environments check their own arguments.
            ("env_args", _) => {}
            ("encoder_args", Value::Table(settings)) => {
                for (setting, value) in settings {
                    let parts = matches!(&**setting, "layers" | "heads" | "neighbours" | "knots");
                    let largest = if parts { MOST_PARTS } else { WIDEST };
                    let fits = value.as_integer().is_none_or(|number| number <= largest);
                    let key = format!("encoder_args.{setting}");
                    check.that(fits, &key, &format!("must be at most {largest}"));
                }
            }
            (_, Value::Integer(number)) => {
                let largest = largest(key);
                check.that(*number <= largest, key, &format!("must be at most {largest}"));
            }
            // Infinity switches the clipping off.
            ("grad_norm_clip", _) => {}
            (_, Value::Float(number)) => {
                check.that(number.is_finite(), key, "must be a finite number");
            }
            _ => {}
        }
    }
    check.finish()
}

fn largest(key: &str) -> i64 {
    let own = LARGEST.iter().find(|(known, _)| *known == key).map(|&(_, largest)| largest);
    let is_width = ["_dim", "_embed"].iter().any(|end| key.ends_with(end));
    own.unwrap_or(if is_width { WIDEST } else { NEVER })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_every_algorithm_has_a_largest_value_that_is_refused_beyond() {
        let algorithms = crate::algorithms::Algorithms::builtin();
        for entry in algorithms.iter() {
            let mut table = super::super::run_defaults();
            table.extend(entry.defaults());
            assert_eq!(invalid(&table), [], "{}: the defaults are valid", entry.id);
            for key in table.keys().cloned().collect::<Vec<_>>() {
                let beyond = match table[&key] {
                    Value::Integer(_) if largest(&key) < i64::MAX => {
                        Value::Integer(largest(&key) + 1)
                    }
                    Value::Float(_) if key != "grad_norm_clip" => Value::Float(f64::INFINITY),
                    _ => continue,
                };
                let mut changed = table.clone();
                changed.insert(key.clone(), beyond);
                let found = invalid(&changed);
                assert_eq!(found.len(), 1, "{} {key}", entry.id);
                assert_eq!(found[0].key, key);
            }
        }
        for (key, largest) in LARGEST {
            let one = Table::from_iter([(key.to_owned(), Value::Integer(largest))]);
            assert_eq!(invalid(&one), [], "{key}");
        }
    }
}
