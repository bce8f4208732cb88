"""The recurrence of message passing: LSTM' with additive attention, in plain PyTorch, compiled, and as CUDA graphs."""
