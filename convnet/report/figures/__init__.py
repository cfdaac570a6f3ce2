"""Pictures of curves, filters, maps, confusion matrices and predictions, drawn with Pillow."""
