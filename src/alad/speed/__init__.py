"""How fast ALAD trains and scores on this machine, beside its peak and other programs.

`arithmetic` counts multiplications, `plain_loop` is the PyTorch program that one would write first,
`measure` lets all take turns, `page` shows what came out.
"""
