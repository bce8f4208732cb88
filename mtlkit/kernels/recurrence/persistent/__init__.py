"""LSTM' with additive attention in Triton, all steps in one kernel."""
