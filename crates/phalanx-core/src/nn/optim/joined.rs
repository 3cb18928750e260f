//! Parameters that are updated as one vector, for devices on which every operation has a fixed
//! cost.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use super::slot::{SavedSlot, Slot};
use super::{OptimizerConfig, Step, clipping};
use crate::nn::weights::{WeightsError, flat_parameters};

/// The slots of parameters that get gradients in the same steps, concatenated.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    /// The indices of the slots.
    members: Vec<usize>,
    /// The length of each slot.
    lens: Vec<usize>,
    slot: Slot,
}

impl Joined {
    /// Returns the one of `all` for the parameters that have gradients, or a new one if these have
    /// made equally many steps. No parameter belongs to two of them.
    pub(super) fn of<'a>(
        all: &'a mut Vec<Self>,
        slots: &mut [Slot],
        gradients: &[Option<Tensor<1>>],
    ) -> Option<&'a mut Self> {
        let members = (0..gradients.len()).filter(|&at| gradients[at].is_some());
        let members: Vec<usize> = members.collect();
        if let Some(known) = all.iter().position(|joined| joined.members == members) {
            return Some(&mut all[known]);
        }
        let overlaps = |joined: &Self| joined.members.iter().any(|at| members.contains(at));
        while let Some(at) = all.iter().position(overlaps) {
            all.swap_remove(at).dissolve(slots);
        }
        let own = || members.iter().map(|&at| &slots[at]);
        let steps = own().next()?.steps;
        // Not on the device yet: new or just loaded.
        let alike = |slot: &Slot| {
            let fresh = slot.loaded.is_none() && slot.first.is_none() && slot.second.is_none();
            slot.steps == steps && (slot.loaded.is_some() != fresh) && (steps == 0) == fresh
        };
        if !own().all(alike) {
            return None;
        }
        let moments = |of: fn(&SavedSlot) -> &Option<Vec<f32>>| -> Option<Vec<f32>> {
            let each = own().map(|slot| of(slot.loaded.as_ref()?).clone());
            Some(each.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        };
        let (first, second) = (moments(|slot| &slot.first), moments(|slot| &slot.second));
        let name = "all";
        let saved = SavedSlot { name: name.to_owned(), steps, first, second };
        let slot =
            Slot { steps, loaded: (steps > 0).then_some(saved), ..Slot::new(name.to_owned()) };
        let lens = gradients.iter().flatten().map(|gradient| gradient.dims()[0]).collect();
        all.push(Self { members, lens, slot });
        all.last_mut()
    }

    /// Updates all members by one step.
    pub(super) fn step<M: Module>(
        &mut self,
        config: OptimizerConfig,
        lr: f64,
        module: M,
        gradients: Vec<Option<Tensor<1>>>,
        max_norm: f32,
    ) -> Step<M> {
        let parameters = flat_parameters(&module);
        let own = self.members.iter().map(|&at| parameters[at].clone());
        let old = Tensor::cat(own.collect(), 0);
        let gradient = Tensor::cat(gradients.into_iter().flatten().collect(), 0);
        let grad_norm = (gradient.clone() * gradient.clone()).sum().sqrt();
        let factor = clipping(&grad_norm, max_norm);
        let new = self.slot.update(config, lr, factor, old, gradient);
        let mut parts = vec![None; parameters.len()];
        for (at, start, len) in self.places() {
            parts[at] = Some(new.clone().narrow(0, start, len));
        }
        Step { module: module.map(&mut Parts(parts.into_iter())), grad_norm }
    }

    /// Iterates over the members with the start and the length of their parts.
    fn places(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let mut end = 0;
        self.members.iter().zip(&self.lens).map(move |(&at, &len)| {
            end += len;
            (at, end - len, len)
        })
    }

    /// Copies every member's moments to its place in `slots`.
    pub(super) fn save(&self, slots: &mut [SavedSlot]) -> Result<(), WeightsError> {
        let SavedSlot { steps, first, second, .. } = self.slot.save()?;
        for (at, start, len) in self.places() {
            let part = |all: &Option<Vec<f32>>| Some(all.as_ref()?[start..start + len].to_vec());
            let (first, second) = (part(&first), part(&second));
            let name = std::mem::take(&mut slots[at].name);
            slots[at] = SavedSlot { name, steps, first, second };
        }
        Ok(())
    }

    /// Moves every member's moments back to its slot.
    fn dissolve(self, slots: &mut [Slot]) {
        let Slot { steps, first, second, .. } = &self.slot;
        for (at, start, len) in self.places() {
            let part = |all: &Option<Tensor<1>>| all.clone().map(|all| all.narrow(0, start, len));
            let name = std::mem::take(&mut slots[at].name);
            let (first, second) = (part(first), part(second));
            slots[at] = Slot { steps: *steps, first, second, ..Slot::new(name) };
        }
    }
}

/// Replaces parameters by flat ones.
struct Parts<P>(P);

impl<P: Iterator<Item = Option<Tensor<1>>>> ModuleMapper for Parts<P> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.next().expect("there is one for every parameter") {
            None => param,
            Some(new) => {
                param.map(|old| Tensor::from_inner(new.reshape(old.dims())).require_grad())
            }
        }
    }
}
