"""Activations at a cut, computed once for each view of each image, and kept for every run."""
