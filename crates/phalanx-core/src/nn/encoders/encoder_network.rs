//! The network of an encoder, whatever its type, as a module.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
    Param,
};
use burn::tensor::{Device, Tensor, TensorData};
use phalanx_kernels::LayerWeights;

use super::dyn_visitor::{DynMapper, DynVisitor, Erased, Restored};
use super::plain::{PlainEncoder, RowByRow};
use super::{AnyEncoder, Encoder, EncoderSizes, ObservationEncoder};
use crate::nn::device::{available, device};
use crate::nn::layers::Linear;
use crate::nn::weights::ParameterValues;

/// The network of an [`Encoder`] of any type. As a module it is that network: a traversal sees its
/// parameters under their own names.
#[derive(Debug)]
pub struct EncoderNetwork(Box<dyn DynNetwork>);

/// The network of the encoder `E` for observations of a given shape.
#[derive(Clone, Debug)]
pub(super) struct TypedNetwork<E: Encoder> {
    pub(super) encoder: E,
    pub(super) sizes: EncoderSizes,
    pub(super) network: E::Network,
}

/// The methods of [`Module`] that its other methods are made of, without its types.
pub(super) trait DynNetwork: Debug + Send + Sync {
    fn encoder(&self) -> ObservationEncoder;
    fn input_dim(&self) -> usize;
    fn output_dim(&self) -> usize;
    fn head_actions(&self) -> Range<usize>;
    fn weights_dim(&self) -> usize;
    fn head_layer(&self) -> Option<LayerWeights>;
    fn forward(&self, obs: Tensor<2>) -> Tensor<2>;
    fn plain(&self) -> Option<Box<dyn PlainEncoder>>;
    fn boxed_clone(&self) -> Box<dyn DynNetwork>;
    fn visit(&self, visitor: &mut dyn DynVisitor);
    fn map(self: Box<Self>, mapper: &mut dyn DynMapper) -> Box<dyn DynNetwork>;
    fn collect_devices(&self, devices: Devices) -> Devices;
    fn fork(self: Box<Self>, device: &Device) -> Box<dyn DynNetwork>;
    fn to_device(self: Box<Self>, device: &Device) -> Box<dyn DynNetwork>;
    fn train(self: Box<Self>) -> Box<dyn DynNetwork>;
    fn valid(&self) -> Box<dyn DynNetwork>;
    fn materialize(self: Box<Self>) -> Box<dyn DynNetwork>;
}

impl<E: Encoder> TypedNetwork<E> {
    /// Returns the same encoder with the network that `change` returns.
    fn with(self, change: impl FnOnce(E::Network) -> E::Network) -> Box<dyn DynNetwork> {
        Box::new(Self { network: change(self.network), ..self })
    }
}

impl<E: Encoder> DynNetwork for TypedNetwork<E> {
    fn encoder(&self) -> ObservationEncoder {
        AnyEncoder::new(self.encoder.clone()).sized(self.sizes.clone())
    }

    fn input_dim(&self) -> usize {
        self.sizes.view_dim()
    }

    fn output_dim(&self) -> usize {
        self.encoder.output_dim(&self.sizes)
    }

    fn head_actions(&self) -> Range<usize> {
        if self.encoder.action_weights(&self.sizes) { self.sizes.entity_actions() } else { 0..0 }
    }

    fn weights_dim(&self) -> usize {
        self.head_actions().len() * self.sizes.weights_per_action()
    }

    fn head_layer(&self) -> Option<LayerWeights> {
        self.encoder.head_layer(&self.network).map(Linear::values)
    }

    fn forward(&self, obs: Tensor<2>) -> Tensor<2> {
        self.encoder.forward(&self.network, obs)
    }

    fn plain(&self) -> Option<Box<dyn PlainEncoder>> {
        self.encoder.plain(&self.network)
    }

    fn boxed_clone(&self) -> Box<dyn DynNetwork> {
        Box::new(self.clone())
    }

    fn visit(&self, visitor: &mut dyn DynVisitor) {
        self.network.visit(&mut Restored(visitor));
    }

    fn map(self: Box<Self>, mapper: &mut dyn DynMapper) -> Box<dyn DynNetwork> {
        self.with(|network| network.map(&mut Restored(mapper)))
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        self.network.collect_devices(devices)
    }

    fn fork(self: Box<Self>, device: &Device) -> Box<dyn DynNetwork> {
        self.with(|network| network.fork(device))
    }

    fn to_device(self: Box<Self>, device: &Device) -> Box<dyn DynNetwork> {
        self.with(|network| network.to_device(device))
    }

    fn train(self: Box<Self>) -> Box<dyn DynNetwork> {
        self.with(Module::train)
    }

    fn valid(&self) -> Box<dyn DynNetwork> {
        let (encoder, sizes) = (self.encoder.clone(), self.sizes.clone());
        Box::new(Self { encoder, sizes, network: self.network.valid() })
    }

    fn materialize(self: Box<Self>) -> Box<dyn DynNetwork> {
        self.with(Module::materialize)
    }
}

impl EncoderNetwork {
    pub(super) fn new<E: Encoder>(network: TypedNetwork<E>) -> Self {
        Self(Box::new(network))
    }

    /// Returns the encoder with its settings.
    pub fn encoder(&self) -> ObservationEncoder {
        self.0.encoder()
    }

    /// Returns the length of the observations in a row.
    pub fn input_dim(&self) -> usize {
        self.0.input_dim()
    }

    /// Returns the number of features of a row, without the weights of heads.
    pub fn output_dim(&self) -> usize {
        self.0.output_dim()
    }

    /// Returns the actions whose outputs have heads by the encoder; empty without heads.
    pub fn head_actions(&self) -> Range<usize> {
        self.0.head_actions()
    }

    /// Returns the number of weights and biases of all heads in a row.
    pub fn weights_dim(&self) -> usize {
        self.0.weights_dim()
    }

    /// Returns the layer that computes heads from tokens ([`Encoder::head_layer`]).
    pub(in crate::nn) fn head_layer(&self) -> Option<LayerWeights> {
        self.0.head_layer()
    }

    /// Computes the features of observations, `[row, input_dim]` to `[row, output_dim]`, followed by the
    /// weights of heads ([`Encoder::action_weights`]), or by the tokens of their targets if
    /// [`Encoder::head_layer`] computes heads from them.
    ///
    /// # Panics
    ///
    /// Panics if the encoder returns another shape.
    pub fn forward(&self, obs: Tensor<2>) -> Tensor<2> {
        let [rows, _] = obs.dims();
        let features = self.0.forward(obs);
        let heads = match self.head_layer() {
            Some(layer) => self.head_actions().len() * layer.weight.dims()[0],
            None => self.weights_dim(),
        };
        let expected = [rows, self.output_dim() + heads];
        let found = features.dims();
        let id = || self.encoder().encoder().id();
        assert_eq!(found, expected, "features of the encoder `{}`", id());
        features
    }

    /// Returns the same network on plain slices, with the parameters in `values`.
    pub(in crate::nn) fn to_plain(&self, values: &mut ParameterValues) -> Arc<dyn PlainEncoder> {
        // Every build has a device, and the CPU comes first.
        let cpu = device(available()[0]).expect("the first device of a build can be used");
        let network = self.clone().map(&mut Downloaded { values, device: &cpu });
        let network = network.valid().to_device(&cpu);
        match network.0.plain() {
            Some(plain) => Arc::from(plain),
            None => Arc::new(RowByRow::new(network, cpu)),
        }
    }
}

/// Replaces parameters by the same ones on another device, from values that were downloaded together.
struct Downloaded<'a> {
    values: &'a mut ParameterValues,
    device: &'a Device,
}

impl ModuleMapper for Downloaded<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (values, shape) = (self.values.take(&param), param.dims());
        param.map(|_| Tensor::from_data(TensorData::new(values, shape), self.device))
    }
}

impl Clone for EncoderNetwork {
    fn clone(&self) -> Self {
        Self(self.0.boxed_clone())
    }
}

impl Module for EncoderNetwork {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.0.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self(self.0.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        Self(self.0.to_device(device))
    }

    fn train(self) -> Self {
        Self(self.0.train())
    }

    fn valid(&self) -> Self {
        Self(self.0.valid())
    }

    fn materialize(self) -> Self {
        Self(self.0.materialize())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.0.visit(&mut Erased(visitor));
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        Self(self.0.map(&mut Erased(mapper)))
    }
}

impl ModuleDisplayDefault for EncoderNetwork {
    fn content(&self, content: Content) -> Option<Content> {
        content.add_debug_attribute("encoder", &self.encoder()).optional()
    }
}

impl ModuleDisplay for EncoderNetwork {}
