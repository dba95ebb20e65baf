"""Provide pure functions on tensors and arrays, which know no model and no file."""
