//! Gradients of a batch, computed in parallel over shards.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use phalanx_kernels::{in_shard, is_cpu};

use crate::nn::weights::Path;

/// The smallest number of rows of a shard, because every operation has a fixed cost: 0.3
/// milliseconds for all operations of a QMIX update.
const ROWS: usize = 2400;
/// Small batches are still divided into this many shards, so that episodes of similar lengths stay
/// together,
const FEW: usize = 4;
/// provided that each shard has this many rows.
const FEW_ROWS: usize = 400;
/// The largest number of shards of a batch.
const MOST: usize = 16;

/// Returns the number of shards for a batch of `rows` rows (steps × agents × episodes). It depends
/// only on the batch and the kind of device, never on the number of threads, because other shards
/// give sums with other rounding. Devices other than the CPU compute a batch as one shard.
pub fn shard_count(device: &Device, rows: usize) -> usize {
    if !is_cpu(device) {
        return 1;
    }
    let few = (rows / FEW_ROWS).min(FEW);
    let many = rows / ROWS;
    // With an odd number, one of two threads would be idle at the end.
    let many = if many > FEW { many.next_multiple_of(2) } else { many };
    many.max(few).clamp(1, MOST)
}

/// Returns the number of which the padded length of a batch is a multiple. Devices other than the
/// CPU compile kernels when a shape first occurs, so fewer different shapes mean fewer
/// compilations.
pub fn padding_multiple(device: &Device) -> usize {
    if is_cpu(device) { 1 } else { 8 }
}

/// Gradients of a module's parameters, in parameter order.
#[derive(Debug)]
pub struct ParameterGradients {
    /// The path and the flat gradient of every parameter; `None` if the loss does not depend on it.
    pub(super) found: Vec<(String, Option<Tensor<1>>)>,
}

impl ParameterGradients {
    /// Collects the gradients of `module` from those of a loss.
    pub fn of<M: Module>(module: &M, mut gradients: Gradients) -> Self {
        let mut collector =
            Collector { path: Path::default(), gradients: &mut gradients, found: Vec::new() };
        module.visit(&mut collector);
        Self { found: collector.found }
    }

    /// Adds the gradients of another part of the loss.
    fn add(&mut self, other: Self) {
        for ((_, sum), (_, part)) in self.found.iter_mut().zip(other.found) {
            *sum = match (sum.take(), part) {
                (Some(sum), Some(part)) => Some(sum + part),
                (one, other) => one.or(other),
            };
        }
    }
}

struct Collector<'a> {
    path: Path,
    gradients: &'a mut Gradients,
    found: Vec<(String, Option<Tensor<1>>)>,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad_remove(self.gradients).map(|gradient| {
            let len = gradient.dims().iter().product::<usize>();
            gradient.reshape([len])
        });
        self.found.push((self.path.name(), gradient));
    }
}

/// Returns the gradients of a loss that is a sum over shards of a batch, and the other results of
/// `loss` for each shard, in order.
///
/// `loss` gets a replica of `module` and returns the shard's part of the loss, `[1]`. Each shard is
/// computed by one thread of the current rayon pool, from its first operation to its gradients.
/// Gradients are added in the order of the shards, so that their bits do not depend on the number
/// of threads.
///
/// # Panics
///
/// Panics if there is no shard.
pub fn in_shards<M, T, R>(
    module: &M,
    shards: Vec<T>,
    loss: impl Fn(&M, T) -> (Tensor<1>, R) + Sync,
) -> (Vec<R>, ParameterGradients)
where
    M: Module + Sync,
    T: Send,
    R: Send,
{
    let (results, [sum]) = gradients_in_shards(module, shards, |replica, shard| {
        let (total, rest) = loss(replica, shard);
        ([ParameterGradients::of(replica, total.backward())], rest)
    });
    (results, sum)
}

/// Computes the gradients of several losses as [`in_shards`] does for one. `losses` runs the
/// backward pass of each loss itself and returns the gradients of the parameters that it depends
/// on.
///
/// # Panics
///
/// Panics if there is no shard.
pub fn gradients_in_shards<M, T, R, const N: usize>(
    module: &M,
    shards: Vec<T>,
    losses: impl Fn(&M, T) -> ([ParameterGradients; N], R) + Sync,
) -> (Vec<R>, [ParameterGradients; N])
where
    M: Module + Sync,
    T: Send,
    R: Send,
{
    let several = shards.len() > 1;
    let one = |shard: T| losses(&module.clone().map(&mut Replica), shard);
    let mut computed: Vec<Option<([ParameterGradients; N], R)>> = Vec::new();
    computed.resize_with(shards.len(), || None);
    if several {
        // In order, one by one as threads become free, because the first may take longest.
        rayon::scope_fifo(|scope| {
            for (shard, place) in shards.into_iter().zip(&mut computed) {
                let one = &one;
                scope.spawn_fifo(move |_| *place = Some(in_shard(|| one(shard))));
            }
        });
    } else {
        shards.into_iter().zip(&mut computed).for_each(|(shard, place)| *place = Some(one(shard)));
    }
    let mut results = Vec::with_capacity(computed.len());
    let parts = computed.into_iter().flatten().map(|(gradients, result)| {
        results.push(result);
        gradients
    });
    let sum = parts.reduce(|mut sums, parts| {
        sums.iter_mut().zip(parts).for_each(|(sum, part)| sum.add(part));
        sums
    });
    (results, sum.expect("there is at least one shard"))
}

/// Copies parameters to leaves of a graph of their own, because graphs that share a leaf wait for
/// each other.
struct Replica;

impl ModuleMapper for Replica {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|value| value.detach().require_grad())
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use crate::nn::{Activation, Linear, device};
    use crate::rng::{Purpose, Rng};

    fn bits(gradients: &ParameterGradients) -> Vec<u32> {
        let values = gradients.found.iter().flat_map(|(_, gradient)| {
            let gradient = gradient.clone().expect("the loss depends on it");
            gradient.into_data().try_into_vec::<f32>().expect("32-bit floats")
        });
        values.map(f32::to_bits).collect()
    }

    #[test]
    fn shards_have_the_gradients_of_the_whole_on_any_number_of_threads() {
        let cpu = device("cpu").expect("the CPU is always there").autodiff();
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        let layer = Linear::new(5, 3, &mut rng, &cpu);
        let rows: Vec<Tensor<2>> = (0..7)
            .map(|_| {
                let row: [f32; 5] = std::array::from_fn(|_| rng.range(-1.0, 1.0));
                Tensor::from_data([row], &cpu)
            })
            .collect();
        let loss = |layer: &Linear, rows: Tensor<2>| {
            let n = rows.dims()[0];
            (layer.forward(rows, Activation::Identity).square().sum(), n)
        };
        let (_, whole) = in_shards(&layer, vec![Tensor::cat(rows.clone(), 0)], loss);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.expect("threads can be started");
            let (counts, gradients) = pool.install(|| in_shards(&layer, rows.clone(), loss));
            assert_eq!(counts, [1; 7]);
            bits(&gradients)
        };
        let alone = on(1);
        assert_eq!(on(2), alone);
        assert_eq!(on(3), alone);
        for (sharded, whole) in alone.iter().zip(bits(&whole)) {
            let (sharded, whole) = (f32::from_bits(*sharded), f32::from_bits(whole));
            assert!((sharded - whole).abs() < 1e-5, "{sharded} is not {whole}");
        }
    }
}
