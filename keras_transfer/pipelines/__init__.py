"""The steps of the commands, once the configuration is known to be good: prepare, fill, fit, publish, report."""
