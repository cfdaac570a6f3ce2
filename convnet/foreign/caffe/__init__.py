"""Read Caffe's files: networks with weights (.caffemodel) and mean images (.binaryproto)."""

from convnet.foreign.caffe.read import read_caffemodel as read_caffemodel
from convnet.foreign.caffe.read import read_mean as read_mean
