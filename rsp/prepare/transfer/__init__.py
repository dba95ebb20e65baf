"""Compare checkpoints on downstream tasks; see docs/transfer.md."""
