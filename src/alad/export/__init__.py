"""Fitted detectors as ONNX graphs, checked against the detector before they are written."""
