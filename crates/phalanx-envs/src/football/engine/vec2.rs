//! Vectors in the plane.

use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

use crate::math::{atan2, sin_cos};

/// A vector in the plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vec2 {
    /// The part along the pitch.
    pub x: f32,
    /// The part across the pitch.
    pub y: f32,
}

impl Vec2 {
    /// No length.
    pub const ZERO: Self = Self { x: 0.0, y: 0.0 };

    /// Makes a vector.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// Returns the scalar product.
    #[inline]
    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    /// Returns the squared length.
    #[inline]
    pub fn length_squared(self) -> f32 {
        self.dot(self)
    }

    /// Returns the length.
    #[inline]
    pub fn length(self) -> f32 {
        self.length_squared().sqrt()
    }

    /// Returns the distance to `other`.
    #[inline]
    pub fn distance(self, other: Self) -> f32 {
        (other - self).length()
    }

    /// Returns the vector of length one with this direction, or zero if this is (almost) zero.
    #[inline]
    pub fn direction(self) -> Self {
        self.direction_or(Self::ZERO)
    }

    /// Returns the vector of length one with this direction, or `fallback` if this is (almost) zero.
    #[inline]
    pub fn direction_or(self, fallback: Self) -> Self {
        let length = self.length();
        if length > 1e-6 { self * (1.0 / length) } else { fallback }
    }

    /// Returns this vector, shortened to `limit` if it is longer.
    #[inline]
    pub fn limited(self, limit: f32) -> Self {
        let length = self.length();
        if length > limit { self * (limit / length) } else { self }
    }

    /// Returns this vector turned by `angle` radians, from `x` towards `y`.
    #[inline]
    pub fn turned(self, angle: f32) -> Self {
        let (sin, cos) = sin_cos(angle.into());
        self.rotated(cos as f32, sin as f32)
    }

    /// Returns this vector turned by the angle with a cosine and a sine, from `x` towards `y`.
    #[inline]
    pub fn rotated(self, cos: f32, sin: f32) -> Self {
        Self::new(self.x * cos - self.y * sin, self.x * sin + self.y * cos)
    }

    /// Returns the length of the vector product, positive if `other` lies from `x` towards `y` of this vector.
    #[inline]
    pub fn cross(self, other: Self) -> f32 {
        self.x * other.y - self.y * other.x
    }

    /// Returns the angle from this vector to `other`, in radians from -π to π.
    #[inline]
    pub fn angle_to(self, other: Self) -> f32 {
        atan2(self.cross(other), self.dot(other))
    }

    /// Returns the point at `share` of the way to `other`.
    #[inline]
    pub fn mix(self, other: Self, share: f32) -> Self {
        self + (other - self) * share
    }
}

impl Add for Vec2 {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Vec2 {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Neg for Vec2 {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self::new(-self.x, -self.y)
    }
}

impl Mul<f32> for Vec2 {
    type Output = Self;
    #[inline]
    fn mul(self, factor: f32) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}

impl AddAssign for Vec2 {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Vec2 {
    #[inline]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}
