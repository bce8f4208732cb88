"""C++ sources, and their compilation into libraries on first use."""
