//! Every rule on positions made by hand.
