"""The pages about objectives and what they count."""
