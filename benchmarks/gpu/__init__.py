"""`make gpu`: what convnet does on NVIDIA GPUs, part by part, proved and measured.

The launcher (`__main__`, `supervise`, `report`) needs Python alone.  Each part runs in a process of
its own, because an error of a kernel can end every later CUDA call of its process.
"""
