"""Every setting of every command: its meaning, its limits and its flag. Standard library and absl only."""
