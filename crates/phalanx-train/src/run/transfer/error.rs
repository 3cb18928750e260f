//! Why a policy does not fit another environment or run.

/// Why the policy of a run does not fit another environment, or the networks of another run.
///
/// The message names the first difference and the keys that remove it. *There* is the run that the
/// policy comes from, *here* the environment or the run that it is loaded for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// A parameter has another shape.
    #[error("the parameter `{parameter}` has shape {theirs:?} there and {ours:?} here; {remedy}")]
    Shape {
        /// The name of the first such parameter.
        parameter: String,
        /// The shape in the policy.
        theirs: Vec<usize>,
        /// The shape that is needed.
        ours: Vec<usize>,
        /// What would help, such as "train both with obs_agent_id=false".
        remedy: String,
    },
    /// A parameter exists on one side only.
    #[error(
        "the parameter `{parameter}` exists only {}; {remedy}",
        if *theirs { "there" } else { "here" }
    )]
    Parameter {
        /// The name of the first such parameter.
        parameter: String,
        /// Whether it is part of the policy; otherwise of the networks here.
        theirs: bool,
        /// What would help.
        remedy: String,
    },
    /// The encoders or their settings differ.
    #[error("the policy has {theirs}, but this run has {ours}; use the same encoder")]
    Encoder {
        /// The encoder of the policy, as keys of a configuration.
        theirs: String,
        /// The encoder of this run.
        ours: String,
    },
    /// A setting that changes what the networks compute differs.
    #[error("the policy was trained with {key}={theirs}, but this run has {key}={ours}")]
    Setting {
        /// The key.
        key: &'static str,
        /// The value in the policy's run.
        theirs: String,
        /// The value here.
        ours: String,
    },
    /// The environments describe other types of entities.
    #[error(
        "the types of entities differ: {} there and {} here",
        theirs.join(", "),
        ours.join(", ")
    )]
    Types {
        /// The types in the environment of the policy.
        theirs: Vec<String>,
        /// The types here.
        ours: Vec<String>,
    },
    /// The entities of a type have other features.
    #[error(
        "the features of the entity type `{kind}` differ: {}; give both environments the same \
         arguments (env_args)",
        features(theirs, ours)
    )]
    Features {
        /// The type.
        kind: String,
        /// Its features in the environment of the policy.
        theirs: Vec<String>,
        /// Its features here.
        ours: Vec<String>,
    },
    /// The agents do not share one network, and their number differs.
    #[error(
        "the policy has networks for {theirs} agents, but there are {ours} agents here; train it with \
         parameter_sharing=all"
    )]
    Agents {
        /// The number of agents in the environment of the policy.
        theirs: usize,
        /// The number of agents here.
        ours: usize,
    },
    /// The observations are standardised or filtered for another length.
    #[error(
        "the policy has {key}=true for inputs of length {theirs}, but they have length {ours} here; \
         train it with {key}=false"
    )]
    Inputs {
        /// The key of the part that depends on the length: `normalise_input` or `use_conv`.
        key: &'static str,
        /// The length in the policy.
        theirs: usize,
        /// The length here.
        ours: usize,
    },
    /// The algorithm cannot start from given weights.
    #[error("this algorithm cannot start from the weights of another run")]
    Unsupported,
}

/// Describes how two lists of features differ: by their first difference.
fn features(theirs: &[String], ours: &[String]) -> String {
    let only = |a: &[String], b: &[String]| a.iter().find(|name| !b.contains(name)).cloned();
    match (only(theirs, ours), only(ours, theirs)) {
        (Some(theirs), _) => format!("`{theirs}` exists only there"),
        (None, Some(ours)) => format!("`{ours}` exists only here"),
        (None, None) => "their order is another one".to_owned(),
    }
}
