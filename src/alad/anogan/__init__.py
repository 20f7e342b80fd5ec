"""AnoGAN: a GAN, and a search of its latent space for every row that is scored."""
