//! What a configuration's instances are.
