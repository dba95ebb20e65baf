"""Pure functions on tensors and arrays; nothing here knows a model or a file."""
