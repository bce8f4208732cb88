"""The recurrence of message passing: LSTM' with additive attention, plain, compiled and as CUDA graphs."""
