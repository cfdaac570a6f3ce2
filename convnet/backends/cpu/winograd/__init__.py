"""Convolution by Winograd's transforms (Lavin and Gray, 2015)."""
