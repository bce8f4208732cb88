"""What can be said of runs and archives before they are opened, and before anything large is imported for that."""
