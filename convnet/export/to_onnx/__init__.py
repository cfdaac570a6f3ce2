"""`--format onnx`: a network as an ONNX graph."""
