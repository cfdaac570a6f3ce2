"""`--format torch`: a network as the text of a `torch.nn.Module`, with its weights."""
