"""ALAD, ALICE and BiGAN: the game, its networks and its scores."""
