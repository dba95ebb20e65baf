"""Write backbones as graphs, and as folders for the Hugging Face Hub."""
