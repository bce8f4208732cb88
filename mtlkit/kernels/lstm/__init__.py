"""A bidirectional LSTM as one operation, compiled where that is possible."""
