"""What is set for a process as a whole, and the programs that it starts."""
