"""Answer questions by small pre-trainings that differ in one thing."""
