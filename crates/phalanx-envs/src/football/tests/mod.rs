//! Tests of football.
