"""How good a classifier is and how sure that is: metrics, intervals, plots, the report. Imports no other room."""
