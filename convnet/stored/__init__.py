"""What is stored in files: records checked against a declaration, and files replaced as a whole."""
