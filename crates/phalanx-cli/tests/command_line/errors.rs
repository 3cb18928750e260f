//! Errors name the invalid argument and the closest match.

use crate::misuse;

#[test]
fn errors_name_the_invalid_argument_and_the_closest_match() {
    let file = [("my.toml", "seed = 4\n\nt_max = 100\nepsilon_finsh = 0.1\n")];
    for (arguments, expected) in [
        (&["train", "qmx", "skirmish/3m"][..], &["qmx", "`qmix`"][..]),
        (&["train", "qmix", "skirmish/3n"], &["skirmish/3n", "`skirmish/3m`"]),
        (&["train", "qmix", "skirmish/3m", "gama=0.9"], &["`gama`", "gama=0.9", "`gamma`"]),
        (&["train", "qmix", "skirmish/3m", "gamma=high"], &["`gamma`", "high", "gamma=high"]),
        (&["train", "qmix", "skirmish/3m", "gamma=1.5"], &["`gamma`", "[0, 1]"]),
        (&["train", "qmix", "skirmish/3m", "lr=nan"], &["`lr`", "finite"]),
        (&["train", "qmix", "skirmish/3m", "my.toml"], &["my.toml", "line 4", "`epsilon_finish`"]),
        (&["train", "qmix", "skirmish/3m", "none.toml"], &["none.toml", "cannot read"]),
        (&["train", "qmix", "smax/3m", "envs/skirmish_smax.toml"], &["envs/smax.toml"]),
        (&["train", "qmix", "smac/3m"], &["smac/3m", "`skirmish/3m`"]),
        (&["train", "qmix", "skirmish/3m", "env_args.rules=smax"], &["`smax/3m`"]),
        (&["train", "qmix", "two_step", "minto=true"], &["minto", "double_q=false"]),
        (&["train", "resq", "two_step", "double_q=false"], &["double_q", "must be true"]),
        (&["train", "qmix", "skirmish/3m", "device=gpu"], &["gpu", "cpu"]),
        (&["train", "qmix", "skirmish/3m", "env_args.step_mull=8"], &["step_mull", "step_mul"]),
        (&["train", "qmix", "skirmish/3m", "step_mull=8"], &["step_mull", "env_args.step_mul"]),
        (&["train", "qmix", "skirmish/3m", "fast"], &["fast", "key=value"]),
        (&["eval", "nowhere"], &["nowhere", "config.toml"]),
        (&["describe", "skirmish/5m"], &["skirmish/5m", "did you mean"]),
        (
            &["trace", "two_step", "--policy", "heuristic", "--out", "t.jsonl"],
            &["two_step", "scripted"],
        ),
        (&["trace", "two_step", "--policy", "lost", "--out", "t.jsonl"], &["lost", "random"]),
        (
            &["trace", "skirmish/3m", "--policy", "kitting", "--out", "t.jsonl"],
            &["kitting", "`kiting`", "focus_fire", "heuristic"],
        ),
        (
            &["eval", "skirmish/3m", "--policy", "kitting"],
            &["kitting", "`kiting`", "folder of a run"],
        ),
        (&["eval", "two_step", "--policy", "heuristic"], &["two_step", "scripted", "random"]),
        (&["eval", "skirmish/3m"], &["skirmish/3m", "--policy NAME"]),
        (&["eval", "skirmish/3n", "--policy", "random"], &["skirmish/3n", "`skirmish/3m`"]),
        (&["eval", "smax/3m", "env_args.self_play=true"], &["--policy"]),
        (&["describe", "skirmish/MMM", "rules=smax"], &["MMM", "3s5z_vs_3s6z", "smacv2_20_units"]),
        (&["describe", "skirmish/3m", "rules=smax"], &["`smax/3m`"]),
        (&["describe", "smac/3m"], &["`skirmish/3m`"]),
        (&["describe", "smax/3m", "max_step=9"], &["`max_step`", "`max_steps`"]),
        (
            &["trace", "skirmish/3m", "self_play=true", "opponent=kiting", "--out", "t.jsonl"],
            &["`opponent`", "kiting", "self_play"],
        ),
        (&["bench", "sim", "skirmish/3"], &["skirmish/3", "did you mean"]),
        (
            &["trace", "predator_prey", "--show", "--out", "-"],
            &["--show", "standard output", "--out"],
        ),
        (&["train", "vdn", "two_step", "threads=10000"], &["`threads`", "at most 1024"]),
        (
            &["train", "vdn", "two_step", "rnn_hidden_dim=100000", "--dry-run"],
            &["`rnn_hidden_dim`", "at most 16384"],
        ),
        (
            &["train", "ippo", "two_step", "rollout_steps=9223372036854775807", "--dry-run"],
            &["`rollout_steps`", "at most 1000000"],
        ),
        (
            &["train", "qmix", "skirmish/3m", "batch_size_run=1000000"],
            &["`batch_size_run`", "at most 65536"],
        ),
        (
            &[
                "train",
                "vdn",
                "skirmish/27m_vs_30m",
                "prioritised_replay=true",
                "batch_size_run=65536",
            ],
            &["would take", "GiB", "lower batch_size_run"],
        ),
        (
            &["train", "vdn", "two_step", "buffer_mem=100", "--dry-run"],
            &["`buffer_mem`", "must be at least", "bytes"],
        ),
        (&["train", "vdn", "two_step", "lr=inf"], &["`lr`", "finite"]),
        (
            &["train", "qmix", "skirmish/3m", "self_play=true"],
            &["2 teams", "env_args.self_play=false"],
        ),
        (&["train", "qmix", "skirmish/3m", "t_max=1.5"], &["`t_max`", "1.5", "a whole number"]),
        (&["train", "qmix", "skirmish/3m", "double_q=1"], &["`double_q`", "true or false"]),
    ] {
        let error = misuse(arguments, if arguments.contains(&"my.toml") { &file } else { &[] });
        for part in expected {
            assert!(error.contains(part), "{arguments:?} does not mention {part}: {error}");
        }
    }
}

#[test]
fn an_error_states_its_cause_once() {
    let error = misuse(&["describe", "skirmish/3m", "step_mul=0"], &[]);
    assert_eq!(error.matches("`step_mul` cannot be 0").count(), 1, "{error}");
    let error = misuse(&["train", "qmix", "skirmish/3m", "none.toml"], &[]);
    assert_eq!(error.matches("No such file").count(), 1, "{error}");
}

#[test]
fn broken_toml_is_shown_with_line_and_column() {
    let file = [("my.toml", "seed = 4\nlr = = 3\n")];
    let error = misuse(&["train", "qmix", "skirmish/3m", "my.toml"], &file);
    assert!(error.contains("my.toml") && error.contains("line 2, column 6"), "{error}");
}

#[test]
fn an_unavailable_recorded_action_is_rejected_with_its_line() {
    let file = [("actions.jsonl", "[1,1]\n[7,0]\n")];
    let arguments =
        ["trace", "two_step", "--policy", "actions.jsonl", "--episodes", "2", "--out", "t.jsonl"];
    let error = misuse(&arguments, &file);
    assert!(error.contains("actions.jsonl: joint action 2"), "{error}");
}

#[test]
fn a_key_of_another_meaning_is_refused_where_a_file_has_an_algorithm_or_an_environment() {
    for (text, expected) in [
        ("seed = 1\n[alg]\nlr = 1\n", &["`alg`", "line 2", "the name of an algorithm"][..]),
        ("alg = 5\n", &["`alg`", "line 1", "the name of an algorithm"]),
        ("env = 5\n", &["`env`", "line 1", "[env.\"ID\"]"]),
    ] {
        let file = [("my.toml", text)];
        let error = misuse(&["train", "qmix", "skirmish/3m", "my.toml"], &file);
        assert!(expected.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
}

#[test]
fn a_message_never_repeats_megabytes() {
    let long = "x".repeat(2_000_000);
    let many: String = (0..16_000).map(|i| format!("key_{i} = {i}\n")).collect();
    for text in [
        format!("gamma = \"{long}\"\n"),
        format!("{long} = 1\n"),
        format!("[env_args]\n{many}"),
        format!("[env_args]\n{long} = 1\n"),
        format!("seed = {long}\n"),
    ] {
        let error = misuse(&["train", "qmix", "skirmish/3m", "my.toml"], &[("my.toml", &text)]);
        assert!(error.len() < 8000, "{} bytes", error.len());
    }
}
