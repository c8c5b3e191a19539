"""Draws road scenes with one vehicle: geometry in metres, a pinhole camera, light and weather."""
