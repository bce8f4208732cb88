"""What is read from run directories and archives."""
