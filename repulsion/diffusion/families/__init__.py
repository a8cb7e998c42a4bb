"""Classes of diffusers' pipelines, each as what the sampler needs of it."""
