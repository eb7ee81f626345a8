"""ONNX graphs made from the layers of a Keras network, one node or two for each layer."""
