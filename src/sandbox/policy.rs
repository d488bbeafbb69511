//! IAM policy documents inside the simulator: reading, validation and evaluation. (Being written.)
