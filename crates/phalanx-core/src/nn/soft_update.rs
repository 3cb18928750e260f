//! Target networks that follow slowly.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// `target + tau (online - target)`, parameter by parameter (Polyak averaging). Both modules hold
/// plain parameters of the same shapes, as [`Module::valid`] returns them.
///
/// # Panics
///
/// When the modules have different parameters.
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
