"""The contract of every detector, written once: fit, score, calibrate, decide, explain, save."""
