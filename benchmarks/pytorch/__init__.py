"""What is measured of PyTorch: its networks, layers, functions, and the data that feeds them."""
