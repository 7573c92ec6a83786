"""Measurements of speed, memory and operations, each made on the machine at hand."""
