"""Report a run, or several side by side, as one page; see docs/report.md."""
