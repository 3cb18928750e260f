//! Saving and loading of weights by name, in the safetensors format.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::device::download;

/// An error of reading or writing weights or optimizer state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// A tensor of the module is missing in the bytes.
    #[error("the tensor `{name}` is missing; the weights belong to another network")]
    Missing {
        /// The tensor.
        name: String,
    },
    /// The bytes hold a tensor that the module does not have.
    #[error("there is no tensor `{name}` in this network; the weights belong to another one")]
    Unexpected {
        /// The tensor.
        name: String,
    },
    /// A tensor has the wrong shape.
    #[error(
        "the tensor `{name}` has shape {found:?} instead of {expected:?}; the weights belong to another \
         network"
    )]
    Shape {
        /// The tensor.
        name: String,
        /// The shape in the module.
        expected: Vec<usize>,
        /// The shape in the bytes.
        found: Vec<usize>,
    },
    /// A tensor does not hold 32-bit floats.
    #[error("the tensor `{name}` holds {found} instead of F32")]
    Kind {
        /// The tensor.
        name: String,
        /// The found data type.
        found: String,
    },
    /// The bytes are damaged or in another format.
    #[error("the bytes are not {what}: {reason}")]
    Malformed {
        /// The expected contents.
        what: &'static str,
        /// What is wrong with them.
        reason: String,
    },
    /// The device failed to return tensors.
    #[error("weights cannot be read from their device: {reason}")]
    Device {
        /// The device's message.
        reason: String,
    },
}

/// Serialises all weights of `module` in the safetensors format, named by their fields, such as
/// `encoder.weight`.
///
/// Linear weights are `[input, output]`. Gates are in PyTorch's order along the last axis: reset,
/// update, new for a GRU, and input, forget, cell, output for an LSTM. The same weights give the
/// same bytes.
///
/// # Errors
///
/// Returns an error if the device fails to return a tensor.
pub fn to_safetensors<M: Module>(module: &M) -> Result<Vec<u8>, WeightsError> {
    let mut reader = Reader::default();
    module.visit(&mut reader);
    let values = download(reader.tensors).map_err(|reason| WeightsError::Device { reason })?;
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = (reader.names.into_iter().zip(values))
        .map(|((name, shape), values)| {
            (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
        })
        .collect();
    let malformed = |error: safetensors::SafeTensorError| WeightsError::Malformed {
        what: "tensors",
        reason: error.to_string(),
    };
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(malformed)?))
        })
        .collect::<Result<Vec<_>, _>>()?;
    safetensors::serialize(views, None).map_err(malformed)
}

/// Returns `module` with all weights replaced by those of a safetensors file.
///
/// # Errors
///
/// Returns an error, which names the tensor, if the bytes are not such a file, or if a tensor is
/// missing, superfluous, or of another shape or data type.
pub fn from_safetensors<M: Module>(module: M, bytes: &[u8]) -> Result<M, WeightsError> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Malformed {
        what: "a safetensors file",
        reason: error.to_string(),
    })?;
    let mut writer = Writer { path: Path::default(), seen: Vec::new(), tensors, error: None };
    let module = module.map(&mut writer);
    if let Some(error) = writer.error {
        return Err(error);
    }
    let mut names = writer.tensors.names();
    names.sort_unstable();
    match names.into_iter().find(|name| !writer.seen.iter().any(|seen| seen == name)) {
        Some(name) => Err(WeightsError::Unexpected { name: name.to_owned() }),
        None => Ok(module),
    }
}

/// Returns `module` with the weights of `part`, one of its modules, replaced by those of a safetensors
/// file of such a part.
///
/// # Errors
///
/// Returns the errors of [`from_safetensors`] for the part.
pub fn part_from_safetensors<M: Module, P: Module>(
    module: M,
    part: &P,
    bytes: &[u8],
) -> Result<M, WeightsError> {
    let part = from_safetensors(part.clone(), bytes)?;
    let mut finder = Finder { ids: Vec::new(), tensors: Vec::new() };
    part.visit(&mut finder);
    Ok(module.map(&mut Replacer(finder.ids.into_iter().zip(finder.tensors).collect())))
}

/// Returns `module` with all weights replaced by the results of `values` for their names and
/// shapes, row-major.
///
/// # Panics
///
/// Panics if `values` returns the wrong number of entries.
pub fn with_weights<M: Module>(module: M, values: impl FnMut(&str, &[usize]) -> Vec<f32>) -> M {
    module.map(&mut Filler { path: Path::default(), values })
}

/// The path of the current node while a module is traversed.
#[derive(Default)]
pub(super) struct Path(Vec<Option<String>>);

impl Path {
    pub(super) fn enter(&mut self, name: &str, container: &str) {
        // Variants of enums are left out of names; they follow from the tensors that exist.
        self.0.push((!container.starts_with("Enum:")).then(|| name.to_owned()));
    }

    pub(super) fn exit(&mut self) {
        self.0.pop();
    }

    pub(super) fn name(&self) -> String {
        self.0.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(".")
    }
}

/// Reads all tensors of a module, with their names and shapes.
#[derive(Default)]
struct Reader {
    path: Path,
    names: Vec<(String, Vec<usize>)>,
    tensors: Vec<Tensor<1>>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.names.push((self.path.name(), param.lazy_shape().to_vec()));
        self.tensors.push(flat(param));
    }
}

/// Returns the values of a parameter, row-major and without gradients.
fn flat<const D: usize>(param: &Param<Tensor<D>>) -> Tensor<1> {
    let value = param.val();
    let value = if value.device().is_autodiff() { value.inner() } else { value };
    let len = value.dims().iter().product::<usize>();
    value.reshape([len])
}

/// Returns the values of all parameters, each row-major and without gradients.
pub(super) fn flat_parameters<M: Module>(module: &M) -> Vec<Tensor<1>> {
    let mut finder = Finder { ids: Vec::new(), tensors: Vec::new() };
    module.visit(&mut finder);
    finder.tensors
}

/// The values of a module's parameters in plain vectors, each to be taken once.
pub(super) struct ParameterValues(HashMap<ParamId, Vec<f32>>);

impl ParameterValues {
    /// Downloads the parameters of `module` and the tensors `extra` in one transfer.
    ///
    /// # Panics
    ///
    /// Panics if the device fails to return a tensor.
    pub(super) fn of<M: Module>(module: &M, extra: Vec<Tensor<1>>) -> (Self, Vec<Vec<f32>>) {
        let mut finder = Finder { ids: Vec::new(), tensors: Vec::new() };
        module.visit(&mut finder);
        let Finder { ids, mut tensors } = finder;
        tensors.extend(extra);
        let mut values = download(tensors).expect("weights can be read from their device");
        let extra = values.split_off(ids.len());
        (Self(ids.into_iter().zip(values).collect()), extra)
    }

    pub(super) fn take<const D: usize>(&mut self, param: &Param<Tensor<D>>) -> Vec<f32> {
        self.0.remove(&param.id).expect("every parameter of the module is taken once")
    }
}

struct Finder {
    ids: Vec<ParamId>,
    tensors: Vec<Tensor<1>>,
}

impl ModuleVisitor for Finder {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.ids.push(param.id);
        self.tensors.push(flat(param));
    }
}

struct Writer<'a> {
    path: Path,
    seen: Vec<String>,
    tensors: SafeTensors<'a>,
    error: Option<WeightsError>,
}

impl Writer<'_> {
    fn values(&self, name: &str, expected: Vec<usize>) -> Result<Vec<f32>, WeightsError> {
        let name = name.to_owned();
        let Ok(view) = self.tensors.tensor(&name) else {
            return Err(WeightsError::Missing { name });
        };
        if view.dtype() != Dtype::F32 {
            return Err(WeightsError::Kind { name, found: format!("{:?}", view.dtype()) });
        }
        if view.shape() != expected {
            return Err(WeightsError::Shape { name, expected, found: view.shape().to_vec() });
        }
        let (values, _) = view.data().as_chunks::<4>();
        Ok(values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.error.is_some() {
            return param;
        }
        let name = self.path.name();
        let shape = param.dims();
        let values = self.values(&name, shape.to_vec());
        self.seen.push(name);
        match values {
            Err(error) => {
                self.error = Some(error);
                param
            }
            Ok(values) => replaced(param, values),
        }
    }
}

struct Filler<F> {
    path: Path,
    values: F,
}

impl<F: FnMut(&str, &[usize]) -> Vec<f32>> ModuleMapper for Filler<F> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let values = (self.values)(&self.path.name(), &param.dims());
        replaced(param, values)
    }
}

/// Replaces the parameters with these identifiers by flat ones.
struct Replacer(HashMap<ParamId, Tensor<1>>);

impl ModuleMapper for Replacer {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(new) = self.0.remove(&param.id) else { return param };
        param.map(|old| {
            let new = new.reshape(old.dims());
            if old.is_require_grad() { Tensor::from_inner(new).require_grad() } else { new }
        })
    }
}

/// Returns the parameter with other values.
fn replaced<const D: usize>(param: Param<Tensor<D>>, values: Vec<f32>) -> Param<Tensor<D>> {
    let shape = param.dims();
    param.map(|old| {
        let new = Tensor::from_data(TensorData::new(values, shape), &old.device());
        if old.is_require_grad() { new.require_grad() } else { new }
    })
}
