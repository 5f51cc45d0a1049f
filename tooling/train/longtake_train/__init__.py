"""Recipe of the embedded checkpoint: a small rendered world, its questions, and the training stages."""
