"""Tests of the rules CKPT: checkpoints."""
