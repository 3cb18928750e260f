//! Soft updates of target networks.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Returns `target + tau (online - target)` for every parameter (Polyak averaging). Both modules
/// hold plain parameters of the same shapes, as returned by [`Module::valid`].
///
/// # Panics
///
/// Panics if the modules have different parameters.
pub fn soft_update<M: Module>(target: M, online: &M, tau: f64) -> M {
    let mut flat = Flat(Vec::new());
    online.visit(&mut flat);
    let mut blend = Blend { online: flat.0.into_iter(), tau };
    target.map(&mut blend)
}

struct Flat(Vec<Tensor<1>>);

impl ModuleVisitor for Flat {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().flatten(0, D - 1));
    }
}

struct Blend {
    online: std::vec::IntoIter<Tensor<1>>,
    tau: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let online = self.online.next().expect("both modules have the same parameters");
        let tau = self.tau;
        param.map(|old| {
            let shape = old.dims();
            let new: Tensor<D> = online.reshape(shape);
            old.mul_scalar(1.0 - tau) + new.mul_scalar(tau)
        })
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use crate::nn::{Linear, device};
    use crate::rng::{Purpose, Rng};

    #[test]
    fn a_soft_step_goes_a_given_part_of_the_way() {
        let cpu = device("cpu").expect("the CPU is always there");
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        let mut layer = || Linear::new(3, 2, &mut rng, &cpu);
        let (target, online) = (layer(), layer());
        let numbers = |layer: &Linear| -> Vec<f32> {
            let values = Tensor::cat(vec![layer.weight.val().reshape([6]), layer.bias.val()], 0);
            values.into_data().try_into_vec().expect("32-bit floats")
        };
        let (from, to) = (numbers(&target), numbers(&online));
        let after = numbers(&soft_update(target.clone(), &online, 0.25));
        for ((after, from), to) in after.iter().zip(&from).zip(&to) {
            assert!((after - (0.75 * from + 0.25 * to)).abs() < 1e-7);
        }
        assert_eq!(numbers(&soft_update(target.clone(), &online, 1.0)), to);
    }
}
