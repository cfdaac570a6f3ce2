"""In which order thread blocks, warps and blocks of code run; barriers."""
