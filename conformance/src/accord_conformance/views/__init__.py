"""Reports in other forms: everything here is made of the JSON data and of nothing else."""
