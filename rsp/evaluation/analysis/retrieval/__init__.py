"""Write the features of many scenes to files, and search them."""
