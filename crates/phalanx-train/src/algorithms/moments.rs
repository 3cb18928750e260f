//! Reads the state of an optimizer, which must belong to the module that it updates.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use phalanx_core::env::{EnvError, unpack};
use phalanx_core::nn::Optimizer;

use crate::error::TrainError;

/// The name and the number of elements of every parameter of a module, in the order of a traversal.
#[derive(Default)]
struct Parameters {
    path: Vec<Option<String>>,
    found: Vec<(String, usize)>,
}

impl ModuleVisitor for Parameters {
    fn enter_module(&mut self, name: &str, container: &str) {
        // As the optimizer names them: without the variants of enums.
        self.path.push((!container.starts_with("Enum:")).then(|| name.to_owned()));
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name: Vec<&str> = self.path.iter().flatten().map(String::as_str).collect();
        self.found.push((name.join("."), param.lazy_shape().num_elements()));
    }
}

/// Name, number of steps, and moments of one parameter, as [`Optimizer::save`] writes them.
type Slot = (String, u64, Option<Vec<f32>>, Option<Vec<f32>>);

/// Restores the state of an optimizer that updates `module`.
///
/// # Errors
///
/// Returns an error if the bytes are damaged, or if they belong to a module with other parameters.
pub(super) fn load_optimizer<M: Module>(
    optimizer: &mut Optimizer,
    module: &M,
    bytes: &[u8],
) -> Result<(), TrainError> {
    const WHAT: &str = "the optimizer";
    let slots: Vec<Slot> = unpack(WHAT, bytes)?;
    let mut parameters = Parameters::default();
    module.visit(&mut parameters);
    let parameters = parameters.found;
    let fits = |(slot, (name, len)): (&Slot, &(String, usize))| {
        let (own_name, _, first, second) = slot;
        own_name == name && [first, second].into_iter().flatten().all(|it| it.len() == *len)
    };
    // Before its first step an optimizer has no slots.
    let whole = slots.is_empty() || slots.len() == parameters.len();
    if !whole || !slots.iter().zip(&parameters).all(fits) {
        let reason = "it belongs to other networks".to_owned();
        return Err(EnvError::BadState { what: WHAT.to_owned(), reason }.into());
    }
    Ok(optimizer.load(bytes)?)
}

#[cfg(test)]
mod tests {
    use phalanx_envs::registry::factory;

    use super::super::{Ippo, Mappo, PolicyGradient, Qmix};
    use crate::Trainer;
    use crate::algorithms::{Algorithm, CriticInput};

    #[test]
    fn the_optimizer_of_other_networks_is_refused_and_the_own_one_is_not() {
        let env = factory("two_step", &Default::default()).expect("it is registered");
        let trained = |algorithm: Box<dyn Algorithm>| {
            let config = crate::config::RunConfig::of(&*algorithm);
            let mut trainer = Trainer::from_parts(config, algorithm, env.clone());
            while trainer.iterate().expect("losses are finite").updates == 0 {}
            trainer
        };
        let small = PolicyGradient { rollout_steps: 8, batch_size_run: 4, ..Default::default() };
        let shared = PolicyGradient { critic: CriticInput::Shared, ..small.clone() };
        let mut all = [
            trained(Box::<Qmix>::default()),
            trained(Box::new(Ippo { learning: small.clone() })),
            trained(Box::new(Ippo { learning: shared })),
            trained(Box::new(Mappo {
                learning: PolicyGradient { clip_jointly: true, ..Mappo::default().learning },
            })),
        ];
        let states: Vec<_> =
            all.iter_mut().map(|trainer| trainer.save().expect("it can be read")).collect();
        for (number, trainer) in all.iter_mut().enumerate() {
            trainer.load(&states[number]).expect("it is its own");
            let mut forged = states[number].clone();
            let file = |files: &[crate::algorithms::NamedFile]| {
                files.iter().position(|file| file.name == "optimizer.bin").expect("it is there")
            };
            let other = &states[(number + 1) % 4];
            let at = file(&forged);
            forged[at] = other[file(other)].clone();
            let error = trainer.load(&forged).expect_err("it belongs to another one").to_string();
            assert!(error.contains("it belongs to other networks"), "{error}");
        }
    }
}
