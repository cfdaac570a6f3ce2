"""What commands print and write: messages, results, progress, pictures and files."""
