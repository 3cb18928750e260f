//! Optional parts of a run, one line each in the caller's program.

use std::path::Path;
use std::sync::Arc;

use phalanx_core::settings::{Check, InvalidSetting};

use super::metric::Metric;
use super::observer::Report;
use super::progress_display::ProgressDisplay;
use super::trainer::Trainer;
use crate::algorithms::LearningRate;
use crate::config::LrSchedule;
use crate::error::TrainError;

impl Trainer {
    /// Shows the progress of the run on standard error: a progress bar on a terminal, plain lines
    /// elsewhere.
    #[must_use]
    pub fn show_progress(self) -> Self {
        self.observe(ProgressDisplay::default())
    }

    /// Adds a metric that is computed at every log point from the other metrics and the evaluation, if
    /// there is one. It is logged under `name` wherever the others are; `None` adds nothing.
    ///
    /// The run fails with [`TrainError::DuplicateMetric`] if there is a metric of this name. An
    /// [`Observer`](crate::Observer) can add several metrics.
    ///
    /// ```
    /// use phalanx_train::{Report, Trainer, algorithms::Vdn};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let env = phalanx_envs::registry::factory("two_step", &Default::default())?;
    /// let largest = |report: &Report| {
    ///     let returns = report.evaluation.as_ref()?.returns.iter().copied();
    ///     returns.reduce(f64::max)
    /// };
    /// let trainer = Trainer::new(Vdn::default(), env).metric("test_return_max", largest);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn metric(
        self,
        name: impl Into<String>,
        value: impl FnMut(&Report) -> Option<f64> + Send + 'static,
    ) -> Self {
        self.observe(Metric::new(name.into(), value))
    }

    /// Multiplies the algorithm's learning rate by `factor`, a function of the progress of training:
    /// `t_env / t_max`, at most one. It applies to every optimizer of every algorithm.
    ///
    /// The configuration then has `lr_schedule = "custom"`, and such a run is resumed by a program that
    /// passes the same function. A factor that is negative or not finite ends the run with
    /// [`TrainError::LearningRate`].
    ///
    /// ```
    /// use phalanx_train::{Trainer, algorithms::Vdn};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let env = phalanx_envs::registry::factory("two_step", &Default::default())?;
    /// // A warm-up over the first tenth of the run.
    /// let trainer = Trainer::new(Vdn::default(), env)
    ///     .learning_rate(|progress| (10.0 * progress).min(1.0));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn learning_rate(mut self, factor: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Self {
        self.config.lr_schedule = LrSchedule::Custom;
        self.lr_factor = Some(Arc::new(factor));
        self
    }

    /// Ends the run when `rule` returns true for the report of a log point. If there are several rules,
    /// each of them can end the run.
    ///
    /// The run ends as it does at `t_max`: the last policy is evaluated and saved, and
    /// [`RunSummary::ended`](crate::RunSummary::ended) is
    /// [`Ended::StoppingRule`](crate::run::Ended::StoppingRule).
    ///
    /// ```
    /// use phalanx_train::{Report, Trainer, algorithms::Vdn};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let env = phalanx_envs::registry::factory("two_step", &Default::default())?;
    /// let solved = |report: &Report| {
    ///     report.evaluation.as_ref().is_some_and(|evaluation| evaluation.return_mean() >= 8.0)
    /// };
    /// let trainer = Trainer::new(Vdn::default(), env).stop_if(solved);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stop_if(mut self, rule: impl FnMut(&Report) -> bool + Send + 'static) -> Self {
        self.stop_rules.push(Box::new(rule));
        self
    }

    /// Gives the agents, and their target networks, the weights of the best policy of the run in the
    /// folder `run` before training. Mixers and critics get those of that run, too, if all their parameters
    /// have the same shapes. What was loaded is logged, and stands in `run.json`.
    ///
    /// The networks must have the same shapes. With an encoder that reads entities, and with
    /// `obs_agent_id=false` and `obs_last_action=false`, these do not depend on the number of agents and
    /// enemies. Otherwise [`Trainer::run`] and the other methods return [`TrainError::InitFrom`], which
    /// names the first parameter that differs and the keys to set.
    ///
    /// ```no_run
    /// use phalanx_train::{Trainer, algorithms::Qmix};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let easy = phalanx_envs::registry::factory("skirmish/8m", &Default::default())?;
    /// Trainer::new(Qmix::default(), easy.clone()).run("results/easy")?;
    /// let settings = "opponent = \"kiting\"".parse()?;
    /// let hard = phalanx_envs::registry::factory("skirmish/8m", &settings)?;
    /// Trainer::new(Qmix::default(), hard).init_from("results/easy").run("results/hard")?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn init_from(mut self, run: impl AsRef<Path>) -> Self {
        self.config.init_from = run.as_ref().to_string_lossy().into_owned();
        self
    }

    /// Keeps the full training state of the finished run, from which [`Trainer::resume`] continues it
    /// with a larger `t_max`.
    #[must_use]
    pub fn keep_state(mut self) -> Self {
        self.config.keep_state = true;
        self
    }

    /// Returns the reasons why the schedule of the learning rate is invalid.
    pub(super) fn invalid_schedule(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        let schedule = self.config.lr_schedule;
        let anneals = self.algorithm().table().get("lr_anneal_time").and_then(|it| it.as_integer());
        check.that(
            schedule == LrSchedule::Constant || anneals.unwrap_or(0) == 0,
            "lr_schedule",
            "cannot be combined with lr_anneal_time: both change the learning rate",
        );
        check.that(
            schedule != LrSchedule::Custom || self.lr_factor.is_some(),
            "lr_schedule",
            "is custom: this run needs the function that its program passes to Trainer::learning_rate",
        );
        check.finish()
    }

    /// Returns the schedule of the learning rate.
    pub(super) fn schedule(&self) -> LearningRate {
        let (t_max, last) = (self.config.t_max, self.config.lr_schedule_final);
        match (self.config.lr_schedule, self.lr_factor.clone()) {
            (LrSchedule::Linear, _) => LearningRate::linear(last, t_max),
            (LrSchedule::Cosine, _) => LearningRate::cosine(last, t_max),
            (LrSchedule::Custom, Some(factor)) => LearningRate::new(t_max, move |at| factor(at)),
            (LrSchedule::Constant | LrSchedule::Custom, _) => LearningRate::constant(),
        }
    }

    /// Returns the current factor of the learning rate, unless it is constant.
    pub(super) fn learning_rate_factor(&mut self) -> Result<Option<f64>, TrainError> {
        let changes = self.config.lr_schedule != LrSchedule::Constant;
        let t_env = self.progress().t_env;
        changes.then(|| self.session()?.learning_rate.factor_at(t_env)).transpose()
    }
}
