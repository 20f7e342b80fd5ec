"""Charts as SVG: lines, areas and dots over two axes, bars, histograms, curves of ranking."""
