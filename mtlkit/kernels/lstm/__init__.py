"""A bidirectional LSTM as one operation, compiled where possible."""
