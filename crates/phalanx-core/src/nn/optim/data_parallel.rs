//! Gradients of a batch in shards that are computed in parallel.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use phalanx_kernels::{in_shard, is_cpu};

use crate::nn::weights::Path;

/// The least rows of a shard, since every operation has a fixed cost: 0.3 milliseconds for all those of a QMIX
/// update.
const ROWS: usize = 2400;
/// Small batches are still divided into so many shards, so that episodes of similar lengths stay together,
const FEW: usize = 4;
/// provided that each has so many rows.
const FEW_ROWS: usize = 400;
/// The most shards of a batch.
const MOST: usize = 16;

/// Returns the number of shards for a batch of `rows` rows (steps × agents × episodes). It depends on the batch
/// and the kind of device alone, never on the number of threads, because other shards would round other sums. A
/// device other than the CPU computes a batch at once.
pub fn shard_count(device: &Device, rows: usize) -> usize {
    if !is_cpu(device) {
        return 1;
    }
    let few = (rows / FEW_ROWS).min(FEW);
    let many = rows / ROWS;
    // An odd one would leave one of two threads without work in the end.
    let many = if many > FEW { many.next_multiple_of(2) } else { many };
    many.max(few).clamp(1, MOST)
}

/// Returns the number to a multiple of which the time steps of a batch of episodes are padded. On a device other
/// than the CPU, batches of few different shapes need few different kernels, which are compiled when a shape first
/// occurs.
pub fn padding_multiple(device: &Device) -> usize {
    if is_cpu(device) { 1 } else { 8 }
}

/// Gradients of a module's parameters, in the order of the parameters.
#[derive(Debug)]
pub struct ParameterGradients {
    /// The path of every parameter, and its gradient, flat, where the loss depends on it.
    pub(super) found: Vec<(String, Option<Tensor<1>>)>,
}

impl ParameterGradients {
    /// Collects the gradients of `module` among those of a loss.
    pub fn of<M: Module>(module: &M, mut gradients: Gradients) -> Self {
        let mut collector =
            Collector { path: Path::default(), gradients: &mut gradients, found: Vec::new() };
        module.visit(&mut collector);
        Self { found: collector.found }
    }

    /// Adds those of another part of the loss.
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

/// Returns the gradients of a loss that is a sum over shards of a batch, and the other results of `loss` for each
/// shard, in their order.
///
/// `loss` sees a replica of `module` and returns the shard's part of the loss, `[1]`. Shards are
/// computed in parallel on the threads of the current rayon pool, each from its first operation to
/// its gradients; the gradients are added in the order of the shards, so that they have the same bits
/// on any number of threads.
///
/// # Panics
///
/// When there is no shard.
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

/// Does the same as [`in_shards`] for several losses: `losses` goes back through each of them itself and returns the
/// gradients of the parameters it depends on.
///
/// # Panics
///
/// When there is no shard.
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
        // One by one from the first, which may take longest, as threads become free.
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

/// Parameters of the same values that are leaves of a graph of their own, because graphs that share a
/// leaf wait for each other.
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
