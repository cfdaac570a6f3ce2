"""ONNX files, read with onnx's own classes; data outside of the file is never opened.

wire     how much of a file are no plain values, counted before it is parsed
tensors  the values of a tensor as float32
graph    the constants of a graph, and the operators that read them
layers   Conv, Gemm and MatMul with constant weights as layers
read     the file
"""
