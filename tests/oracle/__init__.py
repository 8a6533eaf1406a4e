"""A second, naive reading of the rules, in plain Python: the tests hold the portal's figures against it.

Standard library only, and nothing of the project: what both got wrong in the same way would go unseen.
"""
