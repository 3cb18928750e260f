//! Traversals of modules whose type is erased.
//!
//! burn's `visit` and `map` are generic over the traversal, so they cannot be methods of a trait object.
//! Here a traversal becomes a trait object itself on its way in ([`Erased`]) and a generic one again at
//! the module ([`Restored`]). Parameters travel as `Any`, since their types differ by their rank.

use std::any::Any;

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// A [`ModuleVisitor`] of floating-point parameters as a trait object.
pub(super) trait DynVisitor {
    fn enter(&mut self, name: &str, container: &str);
    fn exit(&mut self, name: &str, container: &str);
    /// Visits a `Param<Tensor<D>>`.
    fn visit(&mut self, param: &dyn Any);
}

/// A [`ModuleMapper`] of floating-point parameters as a trait object.
pub(super) trait DynMapper {
    fn enter(&mut self, name: &str, container: &str);
    fn exit(&mut self, name: &str, container: &str);
    /// Maps an `Option<Param<Tensor<D>>>`, which is full before and after.
    fn map(&mut self, param: &mut dyn Any);
}

/// A traversal that becomes a trait object.
pub(super) struct Erased<'a, T>(pub(super) &'a mut T);

/// A trait object that is a traversal again.
pub(super) struct Restored<'a, T: ?Sized>(pub(super) &'a mut T);

/// The reason for a panic: burn has no tensors of more dimensions in its layers.
const RANK: &str = "a parameter of an encoder has at most six dimensions";

impl<V: ModuleVisitor> DynVisitor for Erased<'_, V> {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }

    fn visit(&mut self, param: &dyn Any) {
        let visitor = &mut *self.0;
        let known = visit::<1, V>(visitor, param)
            || visit::<2, V>(visitor, param)
            || visit::<3, V>(visitor, param)
            || visit::<4, V>(visitor, param)
            || visit::<5, V>(visitor, param)
            || visit::<6, V>(visitor, param);
        assert!(known, "{RANK}");
    }
}

/// Visits a parameter if it has `D` dimensions; returns whether it has.
fn visit<const D: usize, V: ModuleVisitor>(visitor: &mut V, param: &dyn Any) -> bool {
    let param = param.downcast_ref::<Param<Tensor<D>>>();
    param.map(|param| visitor.visit_float(param)).is_some()
}

impl<M: ModuleMapper> DynMapper for Erased<'_, M> {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }

    fn map(&mut self, param: &mut dyn Any) {
        let mapper = &mut *self.0;
        let known = map::<1, M>(mapper, param)
            || map::<2, M>(mapper, param)
            || map::<3, M>(mapper, param)
            || map::<4, M>(mapper, param)
            || map::<5, M>(mapper, param)
            || map::<6, M>(mapper, param);
        assert!(known, "{RANK}");
    }
}

/// Maps a parameter if it has `D` dimensions; returns whether it has.
fn map<const D: usize, M: ModuleMapper>(mapper: &mut M, param: &mut dyn Any) -> bool {
    let Some(place) = param.downcast_mut::<Option<Param<Tensor<D>>>>() else { return false };
    *place = place.take().map(|param| mapper.map_float(param));
    true
}

impl ModuleVisitor for Restored<'_, dyn DynVisitor + '_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.visit(param);
    }
}

impl ModuleMapper for Restored<'_, dyn DynMapper + '_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let mut place = Some(param);
        self.0.map(&mut place);
        place.expect("a mapper returns a parameter")
    }
}
