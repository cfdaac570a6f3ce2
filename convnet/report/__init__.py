"""What is shown of networks and runs: descriptions, documentation, pictures.  Changes nothing."""
