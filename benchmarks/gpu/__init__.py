"""`make gpu`: tests and measurements of convnet on NVIDIA GPUs, in parts.

The launcher (`__main__`, `supervise`, `report`) needs only Python.  Each part runs in a process of
its own, because an error in a kernel can make every later CUDA call of its process fail.
"""
